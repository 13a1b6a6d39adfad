//! Closing a gate, also where the database takes no connection: the embedded server's keeper then does it on the one that it
//! keeps.

use std::time::Duration;

use dotwrap_embedded::{GateAnswer, GateChange};
use dotwrap_wrapper::{GateSetting, Posture, RefusalCode};
use tokio::time::timeout;

use crate::embedded;
use crate::exit_status::ExitStatus;
use crate::failure::{BUSY, Failure};
use crate::session::Context;

/// How long the usual way may take before the keeper is asked. A closing that waits closes nothing.
const USUAL_WAY: Duration = Duration::from_secs(2);

/// How long the keeper may take.
const KEEPER: Duration = Duration::from_secs(10);

/// Closes the gate, and returns the posture that follows.
pub(super) async fn close(
    session: &Context,
    key: &str,
    setting: &GateSetting,
) -> Result<Posture, Failure> {
    let usual = async { Ok(session.ledger().await?.set_gate(setting).await?) };
    let Some(embedded) = embedded::kept(&session.settings).await? else {
        return usual.await;
    };
    let failure = match timeout(USUAL_WAY, usual).await {
        Ok(Ok(posture)) => return Ok(posture),
        Ok(Err(failure)) if is_no_connection(&failure) => failure,
        Ok(Err(failure)) => return Err(failure),
        Err(_) => Failure::new(
            ExitStatus::Unreachable,
            "unreachable",
            format!("the embedded server gave no answer within {USUAL_WAY:?}"),
        ),
    };
    session.messages.note(format!(
        "{}; the server's keeper is asked to close the gate",
        failure.message
    ));
    let change = GateChange {
        schema: session.settings.schema.clone(),
        key: key.to_owned(),
        value: setting.value().to_owned(),
        actor: setting
            .given_actor()
            .map_or_else(|| session.settings.actor.clone(), ToString::to_string),
        reason: setting.reason().to_owned(),
    };
    match embedded.change_gate_by_keeper(&change, KEEPER).await? {
        Some(answer) => answered(answer),
        None => Err(failure.hint(
            "the gate is NOT closed: the server's keeper did not answer either. Try again, or end the runs by their process ids",
        )),
    }
}

fn is_no_connection(failure: &Failure) -> bool {
    failure.code == BUSY || failure.status == ExitStatus::Unreachable
}

fn answered(answer: GateAnswer) -> Result<Posture, Failure> {
    match answer {
        GateAnswer::Posture(posture) => posture
            .parse()
            .map_err(|_| Failure::internal(format!("the posture '{posture}' is not known"))),
        GateAnswer::Refused {
            code: Some(code),
            message,
            hint,
            ..
        } => {
            let kind = RefusalCode::from(code.as_str()).kind();
            let status = ExitStatus::of_number(kind.exit_status());
            let failure = Failure::new(status, code, message);
            Err(hint.into_iter().fold(failure, Failure::hint))
        }
        GateAnswer::Refused {
            sqlstate, message, ..
        } => Err(
            Failure::new(ExitStatus::Internal, "database_error", message)
                .detail(serde_json::json!({ "sqlstate": sqlstate })),
        ),
        GateAnswer::Unreachable(reason) => Err(Failure::new(
            ExitStatus::Unreachable,
            "unreachable",
            format!("the embedded server does not answer: {reason}"),
        )
        .hint("the gate is NOT closed; see whether the server is stopped or overloaded: server.log in its folder says more")),
        other => Err(Failure::internal(format!("not understood: {other:?}"))),
    }
}
