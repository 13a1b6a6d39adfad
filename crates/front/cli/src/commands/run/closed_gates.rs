//! A run that a closed gate refused: the failure names each closed gate, and the command that opens it. A run opens no
//! gate by itself.
use dotwrap_exec::Mode;
use dotwrap_wrapper::{RefusalCode, Wrapper, gate};

use crate::failure::Failure;

const OF_DRY_RUNS: [&str; 2] = [gate::OPERATOR_RUNTIME_ENABLED, gate::EXECUTE_ENABLED];
const OF_REAL_RUNS: [&str; 4] = [
    gate::OPERATOR_RUNTIME_ENABLED,
    gate::EXECUTE_ENABLED,
    gate::DRY_RUN_ONLY,
    gate::REAL_RUN_ENABLED,
];

/// The failure; where the gates refused, with the commands that would open those that are closed now.
pub(super) async fn explain_refusal(
    refused: dotwrap_exec::Error,
    mode: Mode,
    ledger: &Wrapper,
) -> Failure {
    let is_closed_gate = is_closed_gate(&refused);
    let failure = Failure::from(refused);
    if !is_closed_gate {
        return failure;
    }
    let needed: &[&str] = match mode {
        Mode::DryRun => &OF_DRY_RUNS,
        Mode::RealRun => &OF_REAL_RUNS,
    };
    // Without an answer, the refusal's own hint has to do.
    let Ok(gates) = ledger.gates().await else {
        return failure;
    };
    let closed: Vec<String> = needed
        .iter()
        .filter(|key| !gates.iter().any(|gate| gate.key == **key && gate.open))
        .filter_map(|key| key.rsplit('.').next())
        .map(|key| format!("dotwrap gates open {key} --for 15m --reason …"))
        .collect();
    if closed.is_empty() {
        return failure.hint("the gates are open now: try again");
    }
    failure.hint(format!(
        "a run opens no gate by itself; an operator may, for a time and a reason:\n{}",
        closed.join("\n")
    ))
}

/// Whether a gate of the posture refused the run.
fn is_closed_gate(refused: &dotwrap_exec::Error) -> bool {
    let dotwrap_exec::Error::Wrapper(error) = refused else {
        return false;
    };
    error.refusal().is_some_and(|refusal| {
        matches!(
            refusal.code,
            RefusalCode::NoExecute | RefusalCode::RealRunDisabled
        )
    })
}
