//! `dotwrap observe run|component`: the single recording calls.
use clap::{Args, Subcommand};
use dotwrap_wrapper::{
    CandidateCode, ComponentCall, ComponentRole, ComponentRunId, CorrelationId, DotCode,
    EvidenceType, HeaderCall, ProcessRunId, StoredStatus, Timing,
};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::shared::{RecordingArgs, describe};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;
use crate::value_parser::one_of;

/// The single recording calls, for scripts that do their own orchestration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a run's header; prints its id
    Run(Run),
    /// Write one component of a run; prints its id
    Component(Component),
}

/// What header and component have in common.
#[derive(Debug, Args)]
pub(crate) struct Observation {
    #[command(flatten)]
    recorded: RecordingArgs,
    /// What kind of evidence it claims to be; anything but a simulation needs open gates and receipts
    #[arg(long, value_name = "TYPE", value_parser = one_of::<EvidenceType>(), default_value_t)]
    evidence_type: EvidenceType,
    /// The stored status
    #[arg(long, value_name = "STATUS", value_parser = one_of::<StoredStatus>(), default_value_t)]
    status: StoredStatus,
    /// The system that reports it [default: dot_exec_wrapper]
    #[arg(long, value_name = "NAME")]
    source_system: Option<String>,
    /// A code of the event that caused it
    #[arg(long, value_name = "CODE")]
    event_code: Option<String>,
    /// When it began (RFC 3339)
    #[arg(long, value_name = "TIME")]
    started_at: Option<Timestamp>,
    /// When it ended (RFC 3339)
    #[arg(long, value_name = "TIME")]
    ended_at: Option<Timestamp>,
}

/// Write a run's header; prints its id.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The process that this run is evidence for
    #[arg(long, value_name = "CODE")]
    candidate: String,
    /// Correlation id of the run's rows [default: derived from the key, else a new one]
    #[arg(long, value_name = "TEXT")]
    correlation: Option<String>,
    /// The producer's code
    #[arg(long, value_name = "DOT_CODE")]
    producer: Option<String>,
    /// A code of the process's definition
    #[arg(long, value_name = "CODE")]
    definition: Option<String>,
    /// An id for the run, instead of a new one
    #[arg(long, value_name = "UUID")]
    run_id: Option<Uuid>,
    #[command(flatten)]
    observation: Observation,
}

/// Write one component of a run; prints its id.
#[derive(Debug, Args)]
pub(crate) struct Component {
    /// The run
    #[arg(long, value_name = "UUID")]
    run_id: Uuid,
    /// The tool
    #[arg(long, value_name = "DOT_CODE")]
    dot: String,
    /// Which part of the pair it is
    #[arg(long, value_name = "ROLE", value_parser = one_of::<ComponentRole>())]
    role: ComponentRole,
    /// Correlation id of the run
    #[arg(long, value_name = "TEXT")]
    correlation: String,
    /// An id for the component, instead of a new one
    #[arg(long, value_name = "UUID")]
    component_id: Option<Uuid>,
    /// The job of a queue that it ran as
    #[arg(long, value_name = "UUID")]
    queue_job: Option<Uuid>,
    #[command(flatten)]
    observation: Observation,
}

/// The same for what header and component have in common beyond that.
macro_rules! observe {
    ($call:ident, $observation:expr, $session:ident) => {
        let observation: Observation = $observation;
        describe!($call, observation.recorded, $session);
        $call.evidence_type = observation.evidence_type;
        $call.status = observation.status;
        $call.event_code = observation.event_code;
        $call.source_system = observation.source_system.unwrap_or($call.source_system);
        $call.started_at = observation.started_at.map_or(Timing::Unknown, Timing::At);
        $call.ended_at = observation.ended_at.map_or(Timing::Unknown, Timing::At);
    };
}

/// Writes a header or a component.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Run(arguments) => run(arguments, session).await,
        Command::Component(arguments) => component(arguments, session).await,
    }
}

async fn run(arguments: Run, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let mut call = HeaderCall::new(CandidateCode::new(arguments.candidate));
    call.dot_code = arguments.producer.map(DotCode::new);
    call.correlation_id = arguments.correlation.map(CorrelationId::new);
    call.process_run_id = arguments.run_id.map(ProcessRunId::from);
    call.process_definition_code = arguments.definition;
    observe!(call, arguments.observation, session);
    let record = ledger.observe_run(&call).await?;
    session.output.record(&record, |record| {
        KeyValueList::default()
            .line("run", Cell::toned(record.process_run_id, CellStyle::Notice))
            .line("correlation", Cell::plain(&record.correlation_id))
            .draw(0)
    })?;
    Ok(ExitStatus::Done)
}

/// What was written of a component.
#[derive(Debug, Serialize)]
struct ComponentRecord {
    component_run_id: ComponentRunId,
    process_run_id: ProcessRunId,
}

async fn component(arguments: Component, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let run = ProcessRunId::from(arguments.run_id);
    let mut call = ComponentCall::new(run, arguments.dot, arguments.role, arguments.correlation);
    call.component_run_id = arguments.component_id.map(ComponentRunId::from);
    call.queue_job_id = arguments.queue_job;
    observe!(call, arguments.observation, session);
    let component_run_id = ledger.observe_component(&call).await?;
    session.output.record(
        &ComponentRecord {
            component_run_id,
            process_run_id: run,
        },
        |record| {
            KeyValueList::default()
                .line(
                    "component",
                    Cell::toned(record.component_run_id, CellStyle::Notice),
                )
                .line("run", Cell::plain(record.process_run_id))
                .draw(0)
        },
    )?;
    Ok(ExitStatus::Done)
}
