//! What a contract of this engine comes to, in sentences for people.

use dotwrap_invoke::UnsupportedContract;
use dotwrap_supervisor::{explain_bytes, explain_list};
use dotwrap_types::{ComponentRole, Contract};
use serde_json::Value as Json;

use crate::{output_source::OutputSource, spec::Spec};

/// One sentence for each rule.
///
/// # Errors
/// The contract is not understood.
pub(crate) fn explain(contract: &Contract) -> Result<Vec<String>, UnsupportedContract> {
    let spec = Spec::of(contract)?;
    let is_real = contract.mode == "REAL_RUN";
    let mut rules = spec.program.explain(is_real);
    rules.insert(1, arguments(&spec));
    rules.push(match &spec.stdin {
        Some(file) => format!("Its standard input is the file {file}."),
        None => "Its standard input is empty.".to_owned(),
    });
    rules.extend(match contract.role {
        ComponentRole::Producer => of_producer(&spec),
        ComponentRole::Verifier => of_verifier(&spec, contract),
    });
    rules.push(match spec.record_stderr_tail_bytes {
        0 => "Nothing of its standard error is kept in the ledger.".to_owned(),
        most => format!(
            "The last {} of its standard error are kept in the ledger, unless it has a secret.",
            explain_bytes(most)
        ),
    });
    Ok(rules)
}

fn arguments(spec: &Spec) -> String {
    match spec.program.arguments() {
        [] => "It gets no arguments.".to_owned(),
        arguments => {
            let quoted = arguments.iter().map(|argument| format!("`{argument}`"));
            format!(
                "Its arguments are {}. No shell reads them.",
                explain_list(quoted)
            )
        }
    }
}

fn of_producer(spec: &Spec) -> Vec<String> {
    let mut rules = vec![
        match &spec.output {
            OutputSource::File => "Its output is what is in {output} when it has ended.",
            OutputSource::Stdout => "Its output is what it prints.",
            OutputSource::Path(_) => {
                "Its output is what is at the path that the contract names; in a dry run it lies in the run's folder."
            }
            OutputSource::Reference(_) => {
                "What it prints is a reference: one JSON document that says where the work is. The digest is of that message, not of the data."
            }
        }
        .to_owned(),
        format!(
            "It has succeeded if it ends with {}.",
            explain_list(&spec.success_exit)
        ),
    ];
    if !spec.warn_exit.is_empty() {
        rules.push(format!(
            "If it ends with {}, it has done its work with a warning.",
            explain_list(&spec.warn_exit)
        ));
    }
    rules.push(match &spec.output_rules {
        Some(output_rules) => output_rules.explain(),
        None => "Its output may be as small as it likes.".to_owned(),
    });
    rules.push(match spec.digest_input_bytes {
        0 => "The run's input is not digested.".to_owned(),
        most => format!(
            "The run's input is digested if it is a file of at most {}.",
            explain_bytes(most)
        ),
    });
    rules
}

fn of_verifier(spec: &Spec, contract: &Contract) -> Vec<String> {
    let mut rules = vec![format!(
        "It passes the output if it ends with {}.",
        explain_list(&spec.success_exit)
    )];
    let undecided = "126 and above, a signal, and what it is cut off by";
    rules.push(match spec.error_exit.as_slice() {
        [] => format!("It could not decide (error): {undecided}."),
        exits => format!(
            "It could not decide (error): {}, {undecided}.",
            explain_list(exits)
        ),
    });
    rules.push("Every other exit status rejects the output (fail).".to_owned());
    if let Some(text) = &spec.pass_stdout {
        rules.push(format!(
            "It passes the output only if it prints exactly `{}`.",
            text.trim_end()
        ));
    }
    for (key, sentence) in [
        (
            "pass_if",
            "It passes the output only if this is found in what it prints",
        ),
        (
            "fail_if",
            "It rejects the output if this is found in what it prints",
        ),
        (
            "error_if",
            "It could not decide if this is found in what it prints",
        ),
    ] {
        let patterns = contract.invocation[key].as_object().into_iter().flatten();
        rules.extend(patterns.filter_map(|(stream, pattern)| {
            let Json::String(pattern) = pattern else {
                return None;
            };
            Some(format!("{sentence} on {stream}: `{pattern}`."))
        }));
    }
    rules
}
