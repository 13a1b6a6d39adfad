//! Closing a gate, also where the database takes no connection: the embedded server's keeper then does it on the one
//! that it keeps.
use std::time::Duration;

use dotwrap_embedded::{GateAnswer, GateChange};
use dotwrap_wrapper::{ErrorClass, GateSetting, Posture, RefusalCode};
use tokio::time::timeout;

use super::{Backend, embedded};
use crate::{BUSY, Problem};

/// How long the usual way may take before the keeper is asked. A closing that waits closes nothing.
const USUAL_WAY: Duration = Duration::from_secs(2);

/// How long the keeper may take.
const KEEPER: Duration = Duration::from_secs(10);

/// Closes the gate, and returns the posture that follows.
///
/// # Errors
/// The gate cannot be closed: the problem says so.
pub async fn close_gate(
    backend: Backend<'_>,
    key: &str,
    setting: &GateSetting,
) -> Result<Posture, Problem> {
    let usual = async { Ok(backend.ledger().await?.set_gate(setting).await?) };
    let Some(embedded) = embedded::kept(backend.settings).await? else {
        return usual.await;
    };
    let problem = match timeout(USUAL_WAY, usual).await {
        Ok(Ok(posture)) => return Ok(posture),
        Ok(Err(problem)) if is_no_connection(&problem) => problem,
        Ok(Err(problem)) => return Err(problem),
        Err(_) => Problem::new(
            ErrorClass::Unreachable,
            "unreachable",
            format!("the embedded server gave no answer within {USUAL_WAY:?}"),
        ),
    };
    backend.notices.note(&format!(
        "{}; the server's keeper is asked to close the gate",
        problem.message
    ));
    let change = GateChange {
        schema: backend.settings.schema.clone(),
        key: key.to_owned(),
        value: setting.value().to_owned(),
        actor: setting
            .given_actor()
            .map_or_else(|| backend.settings.actor.clone(), ToString::to_string),
        reason: setting.reason().to_owned(),
        let_finish: setting.lets_finish(),
        stop_now: setting.stops_now(),
    };
    match embedded.change_gate_by_keeper(&change, KEEPER).await? {
        Some(answer) => answered(answer),
        None => Err(problem.hint(
            "the gate is NOT closed: the server's keeper did not answer either. Try again, or end the runs by their process ids",
        )),
    }
}

fn is_no_connection(problem: &Problem) -> bool {
    problem.code == BUSY || problem.class == ErrorClass::Unreachable
}

fn answered(answer: GateAnswer) -> Result<Posture, Problem> {
    match answer {
        GateAnswer::Posture(posture) => posture
            .parse()
            .map_err(|_| Problem::internal(format!("the posture '{posture}' is not known"))),
        GateAnswer::Refused {
            code: Some(code),
            message,
            hint,
            ..
        } => {
            let kind = RefusalCode::from(code.as_str()).kind();
            let problem = Problem::new(kind.into(), code, message);
            Err(hint.into_iter().fold(problem, Problem::hint))
        }
        GateAnswer::Refused {
            sqlstate, message, ..
        } => Err(
            Problem::new(ErrorClass::Internal, "database_error", message)
                .detail(serde_json::json!({ "sqlstate": sqlstate })),
        ),
        GateAnswer::Unreachable(reason) => Err(Problem::new(
            ErrorClass::Unreachable,
            "unreachable",
            format!("the embedded server does not answer: {reason}"),
        )
        .hint("the gate is NOT closed; see whether the server is stopped or overloaded: server.log in its folder says more")),
        other => Err(Problem::internal(format!("not understood: {other:?}"))),
    }
}
