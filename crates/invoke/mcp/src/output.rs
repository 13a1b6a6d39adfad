//! What a server answered, as a file.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use dotwrap_invoke::strict_json;
use rmcp::model::{CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::Value as Json;

/// What a tool answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ToolResult {
    Json(Json),
    Text(String),
}

impl ToolResult {
    /// `structuredContent` where there is any, even a `null`; else a single text, as JSON where it is JSON; else all
    /// contents.
    pub(crate) fn by(result: CallToolResult) -> serde_json::Result<Self> {
        if let Some(structured) = result.structured_content {
            return Ok(Self::Json(structured));
        }
        match <[ContentBlock; 1]>::try_from(result.content) {
            Ok([ContentBlock::Text(text)]) => match serde_json::from_str::<Json>(&text.text) {
                // Two readers of a member that stands twice would read two things.
                Ok(_) => strict_json::read(text.text.as_bytes()).map(Self::Json),
                Err(_no_json) => Ok(Self::Text(text.text)),
            },
            Ok(other) => serde_json::to_value(other).map(Self::Json),
            Err(several) => serde_json::to_value(several).map(Self::Json),
        }
    }

    /// Writes it below a folder, as `<name>.json` or `<name>.txt`.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> io::Result<PathBuf> {
        let (path, bytes) = match self {
            Self::Json(json) => (folder.join(name).with_extension("json"), bytes_of(json)?),
            Self::Text(text) => (
                folder.join(name).with_extension("txt"),
                text.as_bytes().to_owned(),
            ),
        };
        // The tool may have been here: what it left in the file's place, a link above all, is not written to.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(&bytes)?;
        Ok(path)
    }
}

/// The text of a result that is one text.
pub(crate) fn single_text(result: &CallToolResult) -> Option<&str> {
    match result.content.as_slice() {
        [ContentBlock::Text(text)] => Some(&text.text),
        _ => None,
    }
}

/// All texts of a result.
pub(crate) fn texts(result: &CallToolResult) -> impl Iterator<Item = &str> {
    result.content.iter().filter_map(|content| match content {
        ContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    })
}

/// RFC 8785, so that the same value always has the same digest.
///
/// That notation knows no whole numbers above 2^53: a value that has one is written as it is, members in the order of
/// their names, because a digest of something else than was said would be worse.
pub(crate) fn bytes_of(json: &Json) -> io::Result<Vec<u8>> {
    if is_exact(json) {
        return serde_json_canonicalizer::to_vec(json).map_err(io::Error::from);
    }
    let mut bytes = Vec::new();
    json.serialize(&mut serde_json::Serializer::new(&mut bytes))?;
    Ok(bytes)
}

fn is_exact(json: &Json) -> bool {
    const MAX_EXACT_INTEGER: u64 = 1 << 53;
    match json {
        Json::Number(number) if !number.is_f64() => number
            .as_u64()
            .or_else(|| number.as_i64().map(i64::unsigned_abs))
            .is_some_and(|number| number <= MAX_EXACT_INTEGER),
        Json::Array(items) => items.iter().all(is_exact),
        Json::Object(members) => members.values().all(is_exact),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ContentBlock;
    use serde_json::json;

    use super::*;

    #[test]
    fn structured_content_goes_before_text() {
        let mut result = CallToolResult::success(vec![ContentBlock::text("text")]);
        assert_eq!(
            ToolResult::by(result.clone()).unwrap(),
            ToolResult::Text("text".to_owned())
        );
        result.structured_content = Some(json!({"a": 1}));
        assert_eq!(
            ToolResult::by(result).unwrap(),
            ToolResult::Json(json!({"a": 1}))
        );
    }

    #[test]
    fn a_single_text_that_is_json_is_json() {
        let result = CallToolResult::success(vec![ContentBlock::text(" {\"b\": [1.0]} ")]);
        let answered = ToolResult::by(result).unwrap();
        assert_eq!(answered, ToolResult::Json(json!({"b": [1.0]})));
    }

    #[test]
    fn a_member_that_stands_twice_is_no_answer() {
        let text = r#"{"verdict": "fail", "verdict": "pass"}"#;
        let result = CallToolResult::success(vec![ContentBlock::text(text)]);
        assert!(ToolResult::by(result).is_err());
    }

    #[test]
    fn several_contents_are_a_list() {
        let two = vec![ContentBlock::text("1"), ContentBlock::text("2")];
        let ToolResult::Json(list) = ToolResult::by(CallToolResult::success(two)).unwrap() else {
            panic!("a list is JSON");
        };
        assert_eq!(list[1]["text"], "2");
        let none = ToolResult::by(CallToolResult::success(Vec::new())).unwrap();
        assert_eq!(none, ToolResult::Json(json!([])));
    }

    #[test]
    fn json_is_written_canonically() {
        let json = json!({"b": 1.0, "a": "é", "\u{20ac}": 1e21});
        assert_eq!(
            String::from_utf8(bytes_of(&json).unwrap()).unwrap(),
            "{\"a\":\"é\",\"b\":1,\"€\":1e+21}"
        );
    }

    #[test]
    fn a_number_that_the_canonical_form_would_round_stays_as_it_is() {
        let large = json!({"b": 9_007_199_254_740_993_u64, "a": -9_007_199_254_740_993_i64});
        assert_eq!(
            String::from_utf8(bytes_of(&large).unwrap()).unwrap(),
            "{\"a\":-9007199254740993,\"b\":9007199254740993}"
        );
    }
}
