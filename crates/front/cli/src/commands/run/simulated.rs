//! A run that nothing is called for: the whole pair in one call.
use std::time::Duration;

use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_wrapper::{CorrelationId, PairCall, PairRecord, ProcessRunId, StoredStatus};

use super::Arguments;
use crate::commands::lease_holder::name_holder;
use crate::commands::shared::describe;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// Records the pair, and says what was recorded.
pub(super) async fn execute(
    arguments: Arguments,
    ledger: &LedgerClient,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let call = described(arguments, session, ledger).await?;
    let record = match ledger.observe_pair(&call).await {
        Ok(record) => record,
        Err(error) => return Err(name_holder(error.into())),
    };
    session
        .output
        .record(&record, |record| drawn(record, &call))?;
    session.messages.note(format!(
        "see its layers: dotwrap runs show {}",
        record.process_run_id
    ));
    Ok(if record.status == StoredStatus::Failed {
        session.failed = Some(Failure::new(
            ExitStatus::Failed,
            "run_failed",
            format!(
                "FAILED, as recorded: {}. See: dotwrap runs show {}",
                call.dot_code, record.process_run_id
            ),
        ));
        ExitStatus::Failed
    } else {
        ExitStatus::Done
    })
}

async fn described(
    arguments: Arguments,
    session: &Context,
    ledger: &LedgerClient,
) -> Result<PairCall, Failure> {
    for (flag, is_given) in [
        ("--retry", arguments.retry),
        ("--wait", arguments.wait.is_some()),
    ] {
        if is_given {
            return Err(Failure::usage(format!(
                "{flag} is for executed runs, and a simulation calls nothing"
            ))
            .hint("execute it: --mode dry-run or --mode real-run"));
        }
    }
    let (producer, candidate) = arguments.subject(ledger).await?;
    let mut call = PairCall::new(producer, candidate)
        .wrapper_status(arguments.status.unwrap_or_default())
        .lease_ttl(Duration::from_secs(arguments.lease_ttl.into()));
    call.correlation_id = arguments.correlation.map(CorrelationId::new);
    call.process_run_id = arguments.run_id.map(ProcessRunId::from);
    call.allow_secret_input = arguments.allow_secret_input;
    describe!(call, arguments.recorded, session);
    Ok(call)
}

fn drawn(record: &PairRecord, call: &PairCall) -> String {
    let headline = if record.created {
        "SIMULATED: recorded, no tool was called"
    } else {
        "SIMULATED: recorded before under this key; nothing was written"
    };
    let sheet = KeyValueList::default()
        .line("run", Cell::toned(record.process_run_id, CellStyle::Notice))
        .line("pair of", Cell::code(&call.dot_code))
        .line("producer", Cell::or_dash(record.producer_component_run_id))
        .line("verifier", Cell::or_dash(record.verifier_component_run_id))
        .line("candidate", Cell::code(&call.process_candidate_code))
        .line("correlation", Cell::plain(&record.correlation_id))
        .line("status", Cell::from(labels::status(record.status)))
        .line(
            "evidence",
            Cell::from(labels::evidence(record.evidence_type)),
        )
        .line("events", Cell::plain(record.events_emitted))
        .line_if_some("output", record.output_ref.as_ref())
        .line_if_some("error", record.error_ref.as_ref());
    format!(
        "{}\n{}",
        Cell::toned(headline, CellStyle::Strong),
        sheet.draw(2)
    )
}
