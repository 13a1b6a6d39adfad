//! Checks that a run has the input that its contract uses.

use dotwrap_invoke::Template;
use serde_json::Value as Json;

use super::RunOptions;
use crate::{Error, Prepared};

/// Refuses a run without an input where the contract has a placeholder for it.
pub(super) fn check_input(prepared: &Prepared, order: &RunOptions) -> Result<(), Error> {
    if order.input().is_some() {
        return Ok(());
    }
    let wanting = [&prepared.producer, &prepared.verifier]
        .into_iter()
        .find(|side| mentions_input(&side.contract.invocation));
    match wanting {
        Some(side) => Err(Error::InputMissing {
            dot_code: side.dot_code.clone(),
        }),
        None => Ok(()),
    }
}

fn mentions_input(invocation: &Json) -> bool {
    match invocation {
        Json::String(text) => {
            Template::parse(text).is_ok_and(|template| template.names().any(|name| name == "input"))
        }
        Json::Array(items) => items.iter().any(mentions_input),
        Json::Object(members) => members.values().any(mentions_input),
        _ => false,
    }
}
