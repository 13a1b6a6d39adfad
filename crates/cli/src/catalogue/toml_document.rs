//! A catalogue as TOML.

use dotwrap_wrapper::ToolDefinition;
use serde::Deserialize;
use toml::Spanned;

use super::{CandidateEntry, Catalogue, ToolEntry};
use crate::failure::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    tool: Vec<Spanned<ToolDefinition>>,
    #[serde(default)]
    candidate: Vec<CandidateEntry>,
}

pub(super) fn read(text: &str, source: &str) -> Result<Catalogue, Failure> {
    let document: Document = toml::from_str(text).map_err(|error| {
        let place = error
            .span()
            .map_or_else(|| source.to_owned(), |span| place(text, span.start, source));
        Failure::usage(format!("{place}: {}", error.message().trim()))
    })?;
    let tools = document.tool.into_iter().map(|tool| {
        let place = place(text, tool.span().start, source);
        ToolEntry {
            place,
            tool: tool.into_inner(),
        }
    });
    Ok(Catalogue {
        tools: tools.collect(),
        candidates: document.candidate,
    })
}

fn place(text: &str, offset: usize, source: &str) -> String {
    let line = text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1;
    format!("{source}:{line}")
}
