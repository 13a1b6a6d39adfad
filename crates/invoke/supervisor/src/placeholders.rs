//! What stands for the places in a contract's templates.

use std::borrow::Cow;

use dotwrap_invoke::{Failure, Template, TemplateError, ToolCall, Values};
use dotwrap_types::{ComponentRole, Contract};

use crate::CallFolder;

/// Places that every call fills.
const ALWAYS_AVAILABLE: [&str; 7] = [
    "output",
    "folder",
    "dot_code",
    "mode",
    "process_run_id",
    "component_run_id",
    "correlation_id",
];

/// What begins like this stands for a field of a reference.
pub const OUTPUT_FIELD: &str = "output_field.";

/// Says why nothing can stand for a name in calls of a contract, for people.
fn check(contract: &Contract, name: &str) -> Result<(), String> {
    let without = |what: &str| Err(format!("`{{{name}}}`, but the contract names no {what}"));
    match name {
        // Known only at the call; without an input the call fails before anything is started.
        "input" => Ok(()),
        name if ALWAYS_AVAILABLE.contains(&name) => Ok(()),
        "output_digest" if contract.role == ComponentRole::Verifier => Ok(()),
        "output_digest" => Err("`{output_digest}` is for verifiers".to_owned()),
        // Which fields there are says the producer's contract.
        field if field.starts_with(OUTPUT_FIELD) => match contract.role {
            ComponentRole::Verifier => Ok(()),
            ComponentRole::Producer => Err(format!("`{{{field}}}` is for verifiers")),
        },
        "fixture" if contract.fixture_ref.is_none() => without("fixture"),
        "namespace" if contract.output_namespace.is_none() => without("output namespace"),
        "candidate" if contract.candidate_code.is_none() => without("candidate"),
        "fixture" | "namespace" | "candidate" => Ok(()),
        _ => Err(format!("nothing stands for `{{{name}}}`")),
    }
}

/// A template whose every place something can stand for in calls of a contract.
///
/// # Errors
/// Why not, for people.
pub fn template(text: &str, contract: &Contract) -> Result<Template, String> {
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    for name in template.names() {
        check(contract, name)?;
    }
    Ok(template)
}

/// The template with a call's values in its places.
///
/// # Errors
/// As [`missing_value`] says it.
pub fn fill(template: &Template, values: &Values) -> Result<String, Failure> {
    template.fill(values).map_err(|error| missing_value(&error))
}

/// The failure of a call that has nothing for a place: `input_missing`, or `invocation_invalid`.
pub fn missing_value(error: &TemplateError) -> Failure {
    match error {
        TemplateError::Unknown(name) if name == "input" => Failure::new(
            "input_missing",
            "the contract needs an input and the run was given none",
        ),
        other => Failure::new("invocation_invalid", other.to_string()),
    }
}

/// What stands for each name in one call. A name without a value is left out.
///
/// Paths that are no UTF-8 are left out too: a template is text.
pub fn values(call: &ToolCall, folder: &CallFolder) -> Values {
    let mut values = Values::new();
    let mut set = |name, value: Option<String>| {
        if let Some(value) = value {
            values.insert(Cow::Borrowed(name), value);
        }
    };
    let text = |path: &std::path::Path| path.to_str().map(str::to_owned);
    set("input", call.input_ref.clone());
    set("folder", text(folder.path()));
    set("dot_code", Some(call.dot_code.to_string()));
    set("mode", Some(call.mode.to_string()));
    set("process_run_id", Some(call.process_run_id.to_string()));
    set("component_run_id", Some(call.component_run_id.to_string()));
    set("correlation_id", Some(call.correlation_id.to_string()));
    set("candidate", call.contract.candidate_code.clone());
    set("namespace", call.contract.output_namespace.clone());
    set(
        "fixture",
        call.fixture.as_ref().and_then(|_| text(&folder.fixture())),
    );
    match call.role {
        ComponentRole::Producer => {
            let own = folder.output();
            let path = call.output_path.as_deref().unwrap_or(&own);
            set("output", text(path));
        }
        ComponentRole::Verifier => {
            let produced = call.produced.as_ref();
            set("output", produced.and_then(|one| text(&one.output.path)));
            set(
                "output_digest",
                produced.map(|one| one.committed_digest.to_string()),
            );
            for (name, value) in produced.iter().flat_map(|one| &one.fields) {
                values.insert(Cow::Owned(format!("{OUTPUT_FIELD}{name}")), value.clone());
            }
        }
    }
    values
}
