//! What a call is given to work on.

use std::{io::Read, path::Path};

use dotwrap_invoke::{Digest, Failure, Produced, ToolCall, open_file};
use serde_json::value::{RawValue, to_raw_value};

/// The most of a producer's output that is sent to a verifier: it travels as text in a request.
const INPUT_LIMIT: u64 = 16 << 20;

/// The call's `input`: see the crate's description.
pub(crate) async fn input_of(call: &ToolCall) -> Result<Box<RawValue>, Failure> {
    if let Some(produced) = call.produced.clone() {
        return tokio::task::spawn_blocking(move || of_produced(&produced))
            .await
            .map_err(|error| not_sendable_error(error.to_string()))?;
    }
    match (&call.input_ref, &call.fixture) {
        (Some(reference), _) => to_raw_value(reference),
        (None, Some(fixture)) => to_raw_value(&fixture.body),
        (None, None) => to_raw_value(&()),
    }
    .map_err(|error| not_sendable_error(error.to_string()))
}

fn of_produced(produced: &Produced) -> Result<Box<RawValue>, Failure> {
    let path = &produced.output.path;
    let bytes = read(path)?;
    // To send other bytes under the committed digest would be a lie of ours.
    if Digest::of(&bytes) != produced.committed_digest {
        return Err(Failure::new(
            "input_changed",
            "the producer's output is no longer what was committed; it was not sent",
        ));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_not_text| not_sendable_error("it is neither JSON nor a text in UTF-8"))?;
    // A text stays a text, even one that looks like JSON.
    let is_text = path.extension().is_some_and(|extension| extension == "txt");
    if !is_text && let Ok(json) = serde_json::from_str(&text) {
        return Ok(json);
    }
    to_raw_value(&text).map_err(|error| not_sendable_error(error.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let readable = |error: std::io::Error| not_sendable_error(error.to_string());
    let file = open_file(path).map_err(readable)?;
    let file = file.ok_or_else(|| not_sendable_error("it is no file"))?;
    let mut bytes = Vec::new();
    file.take(INPUT_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(readable)?;
    if bytes.len() as u64 > INPUT_LIMIT {
        return Err(not_sendable_error(format!(
            "it is larger than {INPUT_LIMIT} bytes"
        )));
    }
    Ok(bytes)
}

fn not_sendable_error(reason: impl std::fmt::Display) -> Failure {
    let message = format!("the producer's output cannot be sent to an agent service: {reason}");
    Failure::new("input_unsendable", message)
}
