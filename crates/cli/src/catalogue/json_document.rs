//! A catalogue as JSON: an array of tools, or an object with the arrays `tool` and `candidate`.

use serde::Deserialize;
use serde_json::Value;

use super::{CandidateEntry, Catalogue, ToolEntry};
use crate::failure::Failure;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    tool: Vec<Value>,
    #[serde(default)]
    candidate: Vec<CandidateEntry>,
}

pub(super) fn read(text: &str, source: &str) -> Result<Catalogue, Failure> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("{source}:{}: not JSON: {error}", error.line())))?;
    let document = match value {
        Value::Array(tool) => Document {
            tool,
            ..Document::default()
        },
        object => serde_json::from_value(object)
            .map_err(|error| Failure::usage(format!("{source}: {error}")))?,
    };
    let tools = document
        .tool
        .into_iter()
        .enumerate()
        .map(|(index, tool)| entry(index + 1, tool, source));
    Ok(Catalogue {
        tools: tools.collect::<Result<_, _>>()?,
        candidates: document.candidate,
    })
}

fn entry(number: usize, mut tool: Value, source: &str) -> Result<ToolEntry, Failure> {
    let place = format!("{source}: entry {number}");
    let code = tool
        .get("dot_code")
        .and_then(Value::as_str)
        .map(|code| format!(" ({code})"))
        .unwrap_or_default();
    // `tools ls --output json` has it: taken, so that its output can be imported elsewhere, and not passed on.
    tool.as_object_mut()
        .and_then(|fields| fields.remove("created_at"));
    let tool = serde_json::from_value(tool)
        .map_err(|error| Failure::usage(format!("{place}{code}: {error}")))?;
    Ok(ToolEntry { place, tool })
}
