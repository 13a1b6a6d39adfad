//! Whether the input is there that a contract has a place for.

use dotwrap_invoke::Template;
use serde_json::Value as Json;

use super::RunOptions;
use crate::{Error, Prepared};

/// A run is not begun for a tool that would be called without the input that its contract has a place for.
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
