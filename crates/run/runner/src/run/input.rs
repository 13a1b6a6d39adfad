//! Checks that a run has what its contracts have places for: its input, and the fields of a reference.

use dotwrap_invoke::{Template, UnsupportedContract};
use serde_json::Value as Json;

use super::RunOptions;
use crate::{Error, Prepared};

/// What stands before the name of a reference's field in a place.
const OUTPUT_FIELD: &str = "output_field.";

/// Refuses a run without an input where the contract has a placeholder for it.
pub(super) fn check_input(prepared: &Prepared, order: &RunOptions) -> Result<(), Error> {
    if order.input().is_some() {
        return Ok(());
    }
    let wanting = [&prepared.producer, &prepared.verifier]
        .into_iter()
        .find(|side| has_place(&side.contract.invocation, &|name| name == "input"));
    match wanting {
        Some(side) => Err(Error::InputMissing {
            dot_code: side.dot_code.clone(),
        }),
        None => Ok(()),
    }
}

/// Refuses a verifier with a place for a field that the producer's contract does not take out of its reference.
pub(super) fn check_output_fields(prepared: &Prepared) -> Result<(), Error> {
    let fields = &prepared.producer.contract.invocation["output"]["fields"];
    let verifier = &prepared.verifier;
    let is_unknown = |name: &str| {
        let field = name.strip_prefix(OUTPUT_FIELD);
        field.is_some_and(|field| fields.get(field).is_none())
    };
    if !has_place(&verifier.contract.invocation, &is_unknown) {
        return Ok(());
    }
    let message = format!(
        "it has a place for a field ({{{OUTPUT_FIELD}…}}) that the contract of {} does not name in output.fields",
        prepared.producer.dot_code
    );
    Err(Error::Unusable {
        dot_code: verifier.dot_code.clone(),
        reason: UnsupportedContract::new("output_field_unknown", message),
    })
}

fn has_place(invocation: &Json, is_meant: &dyn Fn(&str) -> bool) -> bool {
    match invocation {
        Json::String(text) => {
            Template::parse(text).is_ok_and(|template| template.names().any(is_meant))
        }
        Json::Array(items) => items.iter().any(|item| has_place(item, is_meant)),
        Json::Object(members) => members.values().any(|item| has_place(item, is_meant)),
        _ => false,
    }
}
