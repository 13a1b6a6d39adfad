//! `dotwrap contract show --explain`: contracts in sentences.
use dotwrap_app::backend::LedgerClient;
use dotwrap_exec::InvocationChecker;
use dotwrap_wrapper::{ComponentRole, Contract};
use serde::Serialize;

use crate::commands::unknown_dot;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle};
use crate::session::Context;

/// A contract in sentences.
#[derive(Debug, Serialize)]
struct Explanation {
    dot_code: String,
    mode: String,
    contract_status: String,
    /// One sentence for each rule, also where it is the default.
    rules: Vec<String>,
}

/// Prints the contracts in sentences.
pub(super) async fn execute(
    contracts: &[Contract],
    ledger: &LedgerClient,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let checker = InvocationChecker::new()
        .map_err(|error| Failure::internal(format!("contracts cannot be explained: {error}")))?;
    let mut explained = Vec::new();
    for contract in contracts {
        let tool = ledger.tool(&contract.dot_code).await?;
        let tool = tool.ok_or_else(|| unknown_dot(&contract.dot_code))?;
        let mut rules = of_every_engine(contract);
        match checker.explain(&tool.execution_engine, contract) {
            Ok(sentences) => rules.extend(sentences),
            Err(refusal) => rules.push(format!(
                "It cannot be called: {}: {}.",
                refusal.code, refusal.message
            )),
        }
        explained.push(Explanation {
            dot_code: contract.dot_code.to_string(),
            mode: contract.mode.clone(),
            contract_status: contract.contract_status.clone(),
            rules,
        });
    }
    session
        .output
        .record(&explained, |explained| explained.iter().map(draw).collect())?;
    Ok(ExitStatus::Done)
}

fn draw(explanation: &Explanation) -> String {
    let title = format!("{} {}", explanation.dot_code, explanation.mode);
    let title = Cell::toned(title, CellStyle::Notice);
    let rules = explanation.rules.iter();
    let rules: String = rules
        .map(|rule| format!("  {}\n", Cell::plain(rule)))
        .collect();
    format!("{title}\n{rules}")
}

/// The rules that do not depend on who calls the tool.
fn of_every_engine(contract: &Contract) -> Vec<String> {
    let role = match contract.role {
        ComponentRole::Producer => "the producer",
        ComponentRole::Verifier => "the verifier",
    };
    let called = match contract.mode.as_str() {
        "REAL_RUN" => format!("It says how {role} is called for real."),
        "DRY_RUN" => format!("It says how {role} is called in the form that changes nothing."),
        _ => format!("Nothing is called by it: {} has no call.", contract.mode),
    };
    let status = match contract.contract_status.as_str() {
        "active" => "It is in use.".to_owned(),
        status => format!("It is not in use: {status}."),
    };
    let mut rules = vec![called, status];
    rules.push(match &contract.candidate_code {
        Some(candidate) => format!("It is for the candidate {candidate} only."),
        None => "It is for every candidate.".to_owned(),
    });
    rules.push(format!(
        "A call ends after {} at the latest.",
        time(contract.timeout_ms)
    ));
    if let Some(fixture) = &contract.fixture_ref {
        rules.push(format!("It is given the fixture {fixture}."));
    }
    if let Some(namespace) = &contract.output_namespace {
        rules.push(format!("Its output goes to the namespace {namespace}."));
    }
    if contract.no_mutation_assertion {
        rules.push("It promises to change nothing.".to_owned());
    }
    for (schema, whose) in [
        (&contract.expected_output_schema, "Its output"),
        (&contract.verifier_schema, "The verifier's answer"),
    ] {
        if schema.is_some() {
            rules.push(format!("{whose} must match a JSON schema of the contract."));
        }
    }
    rules
}

fn time(milliseconds: i32) -> String {
    let seconds = f64::from(milliseconds) / 1000.0;
    match milliseconds {
        0..60_000 => format!("{seconds} s"),
        _ if milliseconds % 3_600_000 == 0 => format!("{} h", seconds / 3600.0),
        _ => format!("{} min", seconds / 60.0),
    }
}
