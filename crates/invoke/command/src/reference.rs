//! An output that is elsewhere: `output = { reference = "stdout", fields = { snapshot = "/snapshot_id" } }`. The tool
//! prints one JSON document, and the contract takes fields out of it.

use std::{collections::BTreeMap, io::Read, path::Path};

use dotwrap_invoke::{Failure, ReadLimit, UnsupportedContract, open_file, strict_json};
use dotwrap_supervisor::invalid;
use serde::Deserialize;
use serde_json::Value as Json;

/// The length limit of the document, in bytes.
const MAX_DOCUMENT: u64 = 1 << 20;

/// The length limit of a field's value, in bytes: it becomes an argument, and is kept in the ledger.
const MAX_VALUE: usize = 500;

/// How many fields a contract may name.
const MAX_FIELDS: usize = 16;

/// The length limit of a field's name.
const MAX_NAME: usize = 40;

/// The keys as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReference {
    reference: String,
    fields: BTreeMap<String, String>,
}

/// JSON pointers (RFC 6901), by the names of what they point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReferenceFields(BTreeMap<String, String>);

impl RawReference {
    /// # Errors
    /// `invocation_invalid`.
    pub(crate) fn read(self) -> Result<ReferenceFields, UnsupportedContract> {
        if self.reference != "stdout" {
            return Err(invalid("output.reference: only \"stdout\" can be one"));
        }
        if !(1..=MAX_FIELDS).contains(&self.fields.len()) {
            return Err(invalid(format!(
                "output.fields: 1 to {MAX_FIELDS} fields are named"
            )));
        }
        for (name, pointer) in &self.fields {
            let is_plain = |letter: u8| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_'
            };
            if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_plain) {
                return Err(invalid(format!(
                    "output.fields: `{name}` is no name: small letters, digits and _, at most {MAX_NAME}"
                )));
            }
            if !is_pointer(pointer) {
                return Err(invalid(format!(
                    "output.fields.{name}: `{pointer}` is no JSON pointer, such as /snapshot_id"
                )));
            }
        }
        Ok(ReferenceFields(self.fields))
    }
}

/// `~` is written as `~0` and `/` as `~1` in a name.
fn is_pointer(text: &str) -> bool {
    let is_escaped = |rest: &str| rest.starts_with(['0', '1']);
    (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(is_escaped)
}

impl ReferenceFields {
    /// The fields of the document in a file.
    ///
    /// # Errors
    /// `reference_invalid`: it is no JSON document, or more than one. `output_field_missing`, `output_field_invalid`.
    pub(crate) fn in_file(
        &self,
        path: &Path,
        limit: &ReadLimit,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let document = document_in(path, limit)?;
        let field = |(name, pointer): (&String, &String)| {
            let value = document.pointer(pointer).ok_or_else(|| {
                let message =
                    format!("what it printed has no {pointer}, the contract's field {name}");
                Failure::new("output_field_missing", message)
            })?;
            match text_of(value) {
                Some(text) => Ok((name.clone(), text)),
                None => Err(Failure::new(
                    "output_field_invalid",
                    format!(
                        "the contract's field {name} ({pointer}) is no text of one line, of 1 to {MAX_VALUE} bytes"
                    ),
                )),
            }
        };
        self.0.iter().map(field).collect()
    }
}

fn document_in(path: &Path, limit: &ReadLimit) -> Result<Json, Failure> {
    let wrong = |why: String| {
        let message = format!("what it printed is not one JSON document: {why}");
        Failure::new("reference_invalid", message)
    };
    let file = open_file(path).map_err(|error| wrong(error.to_string()))?;
    let file = file.ok_or_else(|| wrong("it is no file".to_owned()))?;
    let mut bytes = Vec::new();
    let read = limit
        .reader(file)
        .take(MAX_DOCUMENT + 1)
        .read_to_end(&mut bytes);
    read.map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(wrong(format!("it is longer than {MAX_DOCUMENT} bytes")));
    }
    strict_json::read(&bytes).map_err(|error| {
        let several = serde_json::Deserializer::from_slice(&bytes).into_iter::<Json>();
        let count = several.take_while(Result::is_ok).count();
        // The parser's own words may quote it.
        match (count, error.is_syntax()) {
            (2.., true) => wrong(
                "there are several; many tools print only the last with an option such as --quiet"
                    .to_owned(),
            ),
            _ => wrong(format!("line {}, column {}", error.line(), error.column())),
        }
    })
}

/// A value that can be an argument and a line of a list. Numbers and truth values are written as JSON does.
fn text_of(value: &Json) -> Option<String> {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Number(_) | Json::Bool(_) => value.to_string(),
        _ => return None,
    };
    let breaks_line =
        |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    let is_usable =
        !text.trim().is_empty() && text.len() <= MAX_VALUE && !text.contains(breaks_line);
    is_usable.then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(written: Json) -> Result<ReferenceFields, UnsupportedContract> {
        RawReference::deserialize(written).unwrap().read()
    }

    #[test]
    fn malformed_references_are_refused() {
        for written in [
            json!({"reference": "file", "fields": {"a": "/a"}}),
            json!({"reference": "stdout", "fields": {}}),
            json!({"reference": "stdout", "fields": {"A": "/a"}}),
            json!({"reference": "stdout", "fields": {"": "/a"}}),
            json!({"reference": "stdout", "fields": {"a": "a"}}),
            json!({"reference": "stdout", "fields": {"a": "/a~2"}}),
        ] {
            assert!(read(written.clone()).is_err(), "{written}");
        }
        assert!(read(json!({"reference": "stdout", "fields": {"a_1": "/a~1b/0"}})).is_ok());
    }

    #[test]
    fn fields_are_texts_of_one_line() {
        for (value, text) in [
            (json!("4f2a"), Some("4f2a")),
            (json!(17), Some("17")),
            (json!(true), Some("true")),
            (json!("a\nb"), None),
            (json!("a\u{2028}b"), None),
            (json!(" "), None),
            (json!(null), None),
            (json!(["4f2a"]), None),
            (json!("x".repeat(MAX_VALUE + 1)), None),
        ] {
            assert_eq!(text_of(&value).as_deref(), text, "{value}");
        }
    }
}
