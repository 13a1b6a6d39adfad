//! A catalogue as TOML.
use dotwrap_app::Problem;
use dotwrap_wrapper::{CandidateDefinition, ContractDefinition, ToolDefinition};
use serde::Deserialize;
use toml::Spanned;

use crate::entry::{Entry, RawFixture};
use crate::{Catalogue, FileSource, fixture};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    tool: Vec<Spanned<ToolDefinition>>,
    #[serde(default)]
    candidate: Vec<Spanned<CandidateDefinition>>,
    #[serde(default)]
    fixture: Vec<Spanned<RawFixture>>,
    #[serde(default)]
    contract: Vec<Spanned<ContractDefinition>>,
}

pub(crate) fn read(text: &str, source: &str, beside: &FileSource) -> Result<Catalogue, Problem> {
    let document: Document = toml::from_str(text).map_err(|error| {
        let place = error
            .span()
            .map_or_else(|| source.to_owned(), |span| place(text, span.start, source));
        Problem::usage(format!("{place}: {}", error.message().trim()))
    })?;
    let fixtures = entries(document.fixture, text, source).into_iter();
    Ok(Catalogue {
        tools: entries(document.tool, text, source),
        candidates: entries(document.candidate, text, source),
        fixtures: fixtures
            .map(|entry| fixture::read(entry, beside))
            .collect::<Result<_, _>>()?,
        contracts: entries(document.contract, text, source),
    })
}

fn entries<Said>(said: Vec<Spanned<Said>>, text: &str, source: &str) -> Vec<Entry<Said>> {
    said.into_iter()
        .map(|said| Entry {
            place: place(text, said.span().start, source),
            said: said.into_inner(),
        })
        .collect()
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
