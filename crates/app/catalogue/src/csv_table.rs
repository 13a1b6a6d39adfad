//! A catalogue as CSV: one tool a line, an empty field says nothing.
use dotwrap_app::Problem;
use dotwrap_wrapper::ToolDefinition;
use serde_json::{Map, Value};

use crate::Catalogue;
use crate::entry::Entry;

pub(crate) fn read(text: &str, source: &str) -> Result<Catalogue, Problem> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| at(source, &error))?
        .clone();
    let mut tools = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| at(source, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        tools.push(tool(&header, &record, format!("{source}:{line}"))?);
    }
    Ok(Catalogue {
        tools,
        ..Catalogue::default()
    })
}

fn tool(
    header: &csv::StringRecord,
    record: &csv::StringRecord,
    place: String,
) -> Result<Entry<ToolDefinition>, Problem> {
    let mut fields = Map::new();
    for (name, text) in header
        .iter()
        .zip(record)
        .filter(|(_, text)| !text.is_empty())
    {
        let value = if name == "extra_metadata" {
            object(text, &place)?
        } else {
            Value::from(text)
        };
        fields.insert(name.to_owned(), value);
    }
    let said = serde_json::from_value(fields.into())
        .map_err(|error| Problem::usage(format!("{place}: {error}")))?;
    Ok(Entry { place, said })
}

fn object(text: &str, place: &str) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(|error| {
        Problem::usage(format!(
            "{place}: extra_metadata is not a JSON object: {error}"
        ))
    })
}

fn at(source: &str, error: &csv::Error) -> Problem {
    let line = error.position().map_or(1, csv::Position::line);
    Problem::usage(format!("{source}:{line}: {error}"))
}
