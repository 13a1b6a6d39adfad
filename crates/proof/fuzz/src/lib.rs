//! What holds for every input of the parsers that read the text of others. `tests/properties.rs` calls these functions
//! with generated inputs; the targets in `libfuzzer/` call them with a fuzzer's.
//!
//! Each function panics where its property does not hold.

#![forbid(unsafe_code)]
#![allow(
    clippy::missing_panics_doc,
    reason = "the crate's documentation says it: a panic is a property that does not hold"
)]

use dotwrap_catalogue::{Catalogue, CatalogueFormat, FileSource};
use dotwrap_conninfo::ConnectionTarget;
use dotwrap_invoke::{Template, TemplateError, ToolReport, Values, has_mock, strict_json};

/// A connection string: what is shown of a target parses to the same target and never has the password.
pub fn connection_string(text: &str) {
    let target = match ConnectionTarget::parse(text) {
        Ok(target) => target,
        Err(error) => {
            let message = error.to_string();
            // A short text may be a keyword, or a word of the message.
            let is_repeated = text.trim().len() > 40 && message.contains(text.trim());
            assert!(!is_repeated, "the error repeats the text: {message}");
            return;
        }
    };
    let shown = target.to_string();
    let again = ConnectionTarget::parse(&shown);
    let again = again.unwrap_or_else(|error| panic!("{shown} does not parse: {error}"));
    assert_eq!(again.to_string(), shown);
    let visible =
        ConnectionTarget::parse(&shown).map(|target| target.config().get_password().is_some());
    assert!(matches!(visible, Ok(false)), "{shown} has a password");
}

/// A tool's report: JSON whose top has a member `is_mock` that is not `false` is a mock's, and reading it from text or
/// from JSON gives the same answer.
pub fn tool_report(text: &[u8]) {
    let report = ToolReport::in_text(text);
    if let Ok(json) = strict_json::read(text) {
        assert_eq!(report.is_mock(), has_mock(&json), "{json}");
        if json.get("is_mock").is_some_and(|said| *said != false) {
            assert!(report.is_mock(), "{json}");
        }
    }
    let _in_no_case_a_panic = (report.has_ambiguous_verdict(), report.is_not_utf8());
}

/// A template: without values it cannot be filled where it has a name, and text without braces is filled as it is.
pub fn template(text: &str) {
    let Ok(template) = Template::parse(text) else {
        assert!(text.contains(['{', '}']), "{text:?} has no brace");
        return;
    };
    match template.fill(&Values::new()) {
        Ok(filled) => {
            assert_eq!(template.names().count(), 0, "{text:?}");
            if !text.contains(['{', '}']) {
                assert_eq!(filled, text);
            }
        }
        Err(TemplateError::Unknown(name)) => {
            assert!(template.names().any(|known| known == name), "{text:?}");
        }
        Err(other) => panic!("{text:?}: {other}"),
    }
}

/// Strict JSON: what it takes, the ordinary reader takes as the same value; and what it takes it takes again.
pub fn strict_json_document(text: &[u8]) {
    let Ok(strict) = strict_json::read(text) else {
        return;
    };
    let ordinary: serde_json::Value = serde_json::from_slice(text)
        .unwrap_or_else(|error| panic!("only the strict reader takes it: {error}"));
    assert_eq!(strict, ordinary);
    // Not compared: the reader is fast with numbers, and may be off in the last place.
    let again = strict_json::read(strict.to_string().as_bytes());
    assert!(again.is_ok(), "{strict}");
}

/// A catalogue file: an error names the file, and nothing outside of the file is read.
pub fn catalogue_file(text: &str) {
    for format in [
        CatalogueFormat::Toml,
        CatalogueFormat::Json,
        CatalogueFormat::Csv,
    ] {
        let read = Catalogue::read(text, format, "file", &FileSource::Nowhere);
        if let Err(problem) = read {
            assert!(problem.message.starts_with("file"), "{}", problem.message);
        }
    }
}
