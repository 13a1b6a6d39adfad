//! A catalogue as JSON: an array of tools, or an object with the arrays `tool`, `candidate`, `fixture` and `contract`.
use dotwrap_app::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::entry::Entry;
use crate::{Catalogue, FileSource, fixture};

/// Fields of printed tools and contracts that an import does not set.
const OUTPUT_ONLY: [&str; 5] = [
    "created_at",
    "contract_sha256",
    "paused_until",
    "paused_by",
    "pause_reason",
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    tool: Vec<Value>,
    #[serde(default)]
    candidate: Vec<Value>,
    #[serde(default)]
    fixture: Vec<Value>,
    #[serde(default)]
    contract: Vec<Value>,
}

pub(crate) fn read(text: &str, source: &str, beside: &FileSource) -> Result<Catalogue, Problem> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Problem::usage(format!("{source}:{}: not JSON: {error}", error.line())))?;
    let document = match value {
        Value::Array(tool) => Document {
            tool,
            ..Document::default()
        },
        object => serde_json::from_value(object)
            .map_err(|error| Problem::usage(format!("{source}: {error}")))?,
    };
    let fixtures = entries(
        document.fixture,
        &format!("{source}: fixture"),
        "fixture_ref",
    )?;
    Ok(Catalogue {
        tools: entries(document.tool, &format!("{source}: entry"), "dot_code")?,
        candidates: entries(document.candidate, &format!("{source}: candidate"), "code")?,
        fixtures: fixtures
            .into_iter()
            .map(|entry| fixture::read(entry, beside))
            .collect::<Result<_, _>>()?,
        contracts: entries(
            document.contract,
            &format!("{source}: contract"),
            "dot_code",
        )?,
    })
}

/// Reads the entries of one array; a problem names the entry by its number and by what `name` says it is.
fn entries<Said: DeserializeOwned>(
    values: Vec<Value>,
    place: &str,
    name: &str,
) -> Result<Vec<Entry<Said>>, Problem> {
    let numbered = values.into_iter().zip(1..);
    numbered
        .map(|(value, number)| entry(value, format!("{place} {number}"), name))
        .collect()
}

fn entry<Said: DeserializeOwned>(
    mut value: Value,
    place: String,
    name: &str,
) -> Result<Entry<Said>, Problem> {
    let code = value
        .get(name)
        .and_then(Value::as_str)
        .map(|code| format!(" ({code})"))
        .unwrap_or_default();
    // `tools ls --output json` and `contract ls --output json` have them: they are read, so that this output can be
    // imported elsewhere, and not passed on.
    if let Some(fields) = value.as_object_mut() {
        for name in OUTPUT_ONLY {
            fields.remove(name);
        }
    }
    let said = serde_json::from_value(value)
        .map_err(|error| Problem::usage(format!("{place}{code}: {error}")))?;
    Ok(Entry { place, said })
}
