//! The arguments of a call: a JSON object with places.

use std::{io::Read, path::Path};

use dotwrap_invoke::{Failure, Template, TemplateError, ToolCall, Values, open_file};
use dotwrap_supervisor::placeholders;
use dotwrap_types::{ComponentRole, Contract};
use serde_json::{Map, Value as Json};

/// An argument with just this text becomes what the producer left.
const OUTPUT_BODY: &str = "{output_body}";

/// An argument with just this text becomes what the fixture says.
const FIXTURE_BODY: &str = "{fixture_body}";

/// What is handed over inside an argument is at most this long, in bytes.
const LARGEST_BODY: u64 = 16 * 1024 * 1024;

/// Looks for texts with places that nothing stands for.
pub(crate) fn check(arguments: &Map<String, Json>, contract: &Contract) -> Result<(), String> {
    for text in texts_of(arguments) {
        match text {
            OUTPUT_BODY if contract.role == ComponentRole::Producer => {
                return Err(format!("`{OUTPUT_BODY}` is for verifiers"));
            }
            FIXTURE_BODY if contract.fixture_ref.is_none() => {
                return Err(format!(
                    "`{FIXTURE_BODY}`, but the contract names no fixture"
                ));
            }
            OUTPUT_BODY | FIXTURE_BODY => {}
            template => drop(placeholders::template(template, contract)?),
        }
    }
    Ok(())
}

/// Whether any text in it has a place of this name.
pub(crate) fn names(arguments: &Map<String, Json>, name: &str) -> bool {
    texts_of(arguments).into_iter().any(|text| {
        Template::parse(text).is_ok_and(|template| template.names().any(|place| place == name))
    })
}

/// The arguments of this call.
pub(crate) fn fill(
    arguments: &Map<String, Json>,
    call: &ToolCall,
    values: &Values,
) -> Result<Map<String, Json>, Failure> {
    arguments
        .iter()
        .map(|(name, argument)| Ok((name.clone(), filled(argument, call, values)?)))
        .collect()
}

fn filled(argument: &Json, call: &ToolCall, values: &Values) -> Result<Json, Failure> {
    match argument {
        Json::String(text) if text == OUTPUT_BODY => match &call.produced {
            Some(produced) => body_of(&produced.output.path),
            None => Err(placeholders::missing_value(&TemplateError::Unknown(
                "output_body".to_owned(),
            ))),
        },
        Json::String(text) if text == FIXTURE_BODY => match &call.fixture {
            Some(fixture) => Ok(fixture.body.clone()),
            None => Err(placeholders::missing_value(&TemplateError::Unknown(
                "fixture_body".to_owned(),
            ))),
        },
        Json::Array(items) => items
            .iter()
            .map(|item| filled(item, call, values))
            .collect(),
        Json::Object(members) => fill(members, call, values).map(Json::Object),
        other => {
            Template::fill_json(other, values).map_err(|error| placeholders::missing_value(&error))
        }
    }
}

/// A file's content: JSON where it is JSON, else text.
fn body_of(path: &Path) -> Result<Json, Failure> {
    let unreadable = |what: &str| {
        Failure::new(
            "output_not_passable",
            format!("the producer's output cannot be handed over as an argument: {what}"),
        )
    };
    let file = open_file(path).map_err(|error| unreadable(&error.to_string()))?;
    let file = file.ok_or_else(|| unreadable("it is no file"))?;
    let mut bytes = Vec::new();
    file.take(LARGEST_BODY + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error.to_string()))?;
    if bytes.len() as u64 > LARGEST_BODY {
        return Err(unreadable("it is too large"));
    }
    let text = String::from_utf8(bytes).map_err(|_error| unreadable("it is no text"))?;
    Ok(serde_json::from_str(&text).unwrap_or(Json::String(text)))
}

fn texts_of(arguments: &Map<String, Json>) -> Vec<&str> {
    fn collect<'a>(json: &'a Json, texts: &mut Vec<&'a str>) {
        match json {
            Json::String(text) => texts.push(text),
            Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Json::Object(members) => members.values().for_each(|item| collect(item, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    arguments
        .values()
        .for_each(|argument| collect(argument, &mut texts));
    texts
}
