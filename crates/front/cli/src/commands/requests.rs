//! `dotwrap requests ls|show|add|cancel`.
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::labels;
use dotwrap_wrapper::{
    CandidateCode, CorrelationId, DotCode, EvidenceType, IdempotencyKey, RequestId, RequestState,
    RunRequest, RunRequestFilter, RunRequestRecord, Schedule,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::id_prefix::{IdPrefix, MAX_CANDIDATES};
use super::shared::{ActorArgs, ChangeArgs, at_least_one, duration, input_ref};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, Column, KeyValueList, format_time};
use crate::session::Context;
use crate::value_parser::one_of;

/// Executed runs that somebody asked for and a worker takes.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the newest requests
    Ls(List),
    /// Show one request
    Show(Show),
    /// Ask for a run
    Add(Add),
    /// Take a request back that no worker has
    Cancel(Cancel),
}

/// List the newest requests.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that stand so
    #[arg(long, value_name = "STATE", value_parser = one_of::<RequestState>())]
    state: Option<RequestState>,
    /// Only those of this producer
    #[arg(long, value_name = "DOT_CODE")]
    producer: Option<String>,
    /// Only those of this candidate
    #[arg(long, value_name = "CODE")]
    candidate: Option<String>,
    /// Maximum number of rows
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = at_least_one())]
    limit: u32,
}

/// Show one request.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The request's id or an unambiguous beginning of it; `last` is the newest request
    #[arg(value_name = "REQUEST")]
    request: Shown,
}

/// Which request is shown.
#[derive(Clone, Debug)]
enum Shown {
    Last,
    Of(IdPrefix),
}

impl FromStr for Shown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "last" => Ok(Self::Last),
            id => id
                .parse()
                .map(Self::Of)
                .map_err(|error| format!("neither `last` nor an id: {error}")),
        }
    }
}

/// Ask for a run.
///
/// Asking is not running: a worker (`dotwrap worker`) takes the request once it is due, the gates allow its mode, and
/// the lease of its run is free. Each attempt is run at most once.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The producer's code; its verifier is the registry's
    #[arg(value_name = "PRODUCER")]
    producer: String,
    /// What is asked for
    #[arg(long, value_enum)]
    mode: Mode,
    /// The process that the run is evidence for [default: what the registry names for the producer]
    #[arg(long, value_name = "CODE")]
    candidate: Option<String>,
    /// What the tool is given: a path, a URL, a fixture; a relative path of a file that exists is recorded as an
    /// absolute one
    #[arg(long, value_name = "REF", value_parser = input_ref)]
    input: Option<String>,
    /// Record an input whose address holds a password
    #[arg(long)]
    allow_secret_input: bool,
    /// Idempotency key: a second call with it returns the first request
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Correlation id of the run's rows, events, logs and traces [default: derived from the key, else a new one]
    #[arg(long, value_name = "TEXT")]
    correlation: Option<String>,
    /// Not before this time, e.g. 2030-01-31T22:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "delay")]
    not_before: Option<Timestamp>,
    /// Not before so long from now, e.g. 10m, 2h, 1d
    #[arg(long = "in", value_name = "DURATION", value_parser = duration)]
    delay: Option<SignedDuration>,
    /// What is claimed first: from 0 (first) to 9
    #[arg(long, value_name = "0-9", default_value_t = 5, value_parser = clap::value_parser!(i32).range(0..=9))]
    priority: i32,
    /// How many attempts it has; another one follows if a run did not pass and its contract allows it
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=100))]
    max_attempts: i32,
    /// The pause before the second attempt; doubled for each one after it, at most a day
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    backoff: SignedDuration,
    #[command(flatten)]
    acting: ActorArgs,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// The tools' own logic, in a mode that changes nothing.
    DryRun,
    /// The tools, for real.
    RealRun,
}

/// Take a request back that no worker has.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The request's id or an unambiguous beginning of it
    #[arg(value_name = "REQUEST")]
    request: IdPrefix,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Lists, shows, adds or cancels requests.
pub(crate) async fn execute(
    command: Command,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    match command {
        Command::Ls(arguments) => list(arguments, session).await,
        Command::Show(arguments) => show(arguments, session).await,
        Command::Add(arguments) => add(arguments, session).await,
        Command::Cancel(arguments) => cancel(arguments, session).await,
    }
}

const COLUMNS: &[Column<RunRequestRecord>] = &[
    Column::whole("REQUEST", |request| {
        Cell::toned(request.request_id, CellStyle::Notice)
    }),
    Column::new("ASKED", |request| {
        Cell::plain(format_time(request.requested_at))
    }),
    Column::new("PRODUCER", |request| Cell::code(&request.dot_code)),
    Column::new("CANDIDATE", |request| {
        Cell::code(&request.process_candidate_code)
    }),
    Column::whole("MODE", |request| {
        Cell::from(labels::evidence_word(request.mode))
    }),
    Column::whole("STATE", state),
    Column::new("RUN", |request| match request.run_status {
        Some(status) => Cell::from(labels::status(status)),
        None => Cell::or_dash(request.refusal_code.as_ref()),
    }),
    Column::new("BY", |request| Cell::plain(&request.actor)),
];

/// Where a request stands; how it was finished says more than that it was.
fn state(request: &RunRequestRecord) -> Cell {
    match (request.outcome, request.state) {
        (Some(outcome), _) => Cell::plain(outcome),
        (None, RequestState::Claimed) => Cell::toned(request.state, CellStyle::Notice),
        (None, state) => Cell::toned(state, CellStyle::Faint),
    }
}

async fn list(arguments: List, session: &mut Context) -> Result<ExitStatus, Failure> {
    let mut filter = RunRequestFilter::default();
    filter.state = arguments.state;
    filter.dot_code = arguments.producer.map(DotCode::new);
    filter.process_candidate_code = arguments.candidate.map(CandidateCode::new);
    let leaves_out = filter.state.is_some()
        || filter.dot_code.is_some()
        || filter.process_candidate_code.is_some();
    let ledger = session.ledger().await?;
    let requests = ledger.run_requests(&filter, arguments.limit).await?;
    let none = if leaves_out {
        "no such request; `dotwrap requests ls` without a filter lists the newest"
    } else {
        "no run was asked for; `dotwrap requests add PRODUCER --mode dry-run` asks for one"
    };
    session.print_list(&requests, COLUMNS, none)?;
    Ok(ExitStatus::Done)
}

async fn show(arguments: Show, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let request = match arguments.request {
        Shown::Of(prefix) => find_prefix(&prefix, &ledger).await?,
        Shown::Last => {
            let newest = ledger.run_requests(&RunRequestFilter::default(), 1).await?;
            newest
                .into_iter()
                .next()
                .ok_or_else(|| unknown("there is no request yet".to_owned()))?
        }
    };
    session.output.record(&request, drawn)?;
    Ok(ExitStatus::Done)
}

async fn find(request: RequestId, ledger: &LedgerClient) -> Result<RunRequestRecord, Failure> {
    let found = ledger.run_request(request).await?;
    found.ok_or_else(|| unknown(format!("there is no request {request}")))
}

async fn find_prefix(
    prefix: &IdPrefix,
    ledger: &LedgerClient,
) -> Result<RunRequestRecord, Failure> {
    let (first, last) = prefix.bounds();
    let found = ledger
        .run_requests_between(first.into(), last.into(), MAX_CANDIDATES + 1)
        .await?;
    prefix
        .only_one(found, "request_unknown", |request| {
            request.request_id.to_string()
        })?
        .ok_or_else(|| unknown(format!("there is no request {prefix}")))
}

fn unknown(message: String) -> Failure {
    Failure::new(ExitStatus::Usage, "request_unknown", message)
        .hint("`dotwrap requests ls` lists the newest requests")
}

fn drawn(request: &RunRequestRecord) -> String {
    let mut sheet = KeyValueList::default()
        .line(
            "request",
            Cell::toned(request.request_id, CellStyle::Notice),
        )
        .line("state", state(request))
        .line("pair of", Cell::code(&request.dot_code))
        .line("candidate", Cell::code(&request.process_candidate_code))
        .line("mode", Cell::from(labels::evidence_word(request.mode)))
        .line("correlation", Cell::plain(&request.correlation_id))
        .line_if_some("input", request.input_ref.as_ref())
        .line_if_some("key", request.idempotency_key.as_ref())
        .line(
            "asked by",
            Cell::plain(format!("{} ({})", request.actor, request.recorded_by)),
        )
        .line("asked at", Cell::plain(format_time(request.requested_at)))
        .line("not before", Cell::plain(format_time(request.not_before)))
        .line("priority", Cell::plain(request.priority))
        .line(
            "attempts",
            Cell::plain(format!(
                "{} of {}",
                request.attempt - request.stops,
                request.max_attempts
            )),
        )
        .line("claims", Cell::plain(request.claims))
        .line_if_some("worker", request.claimed_by.as_ref())
        .line_if_some("claimed until", request.claimed_until.map(format_time))
        .line_if_some("refused as", request.refusal_code.as_ref())
        .line_if_some("last run", request.last_run_id);
    if let (Some(run), Some(status)) = (request.process_run_id, request.run_status) {
        sheet = sheet
            .line("run", Cell::toned(run, CellStyle::Notice))
            .line("its status", Cell::from(labels::status(status)))
            .line_if_some("its verdict", request.run_verdict)
            .line_if_some(
                "its warnings",
                request.run_warnings.filter(|warnings| *warnings > 0),
            );
    }
    sheet
        .line_if_some("cancelled by", request.cancelled_by.as_ref())
        .line_if_some("because", request.cancel_reason.as_ref())
        .line_if_some("ended at", request.finished_at.map(format_time))
        .draw(0)
}

async fn add(arguments: Add, session: &mut Context) -> Result<ExitStatus, Failure> {
    let due = due(&arguments);
    let ledger = session.ledger().await?;
    let producer = DotCode::new(arguments.producer);
    let candidate = match arguments.candidate {
        Some(candidate) => CandidateCode::new(candidate),
        None => super::run::resolve_candidate(&producer, &ledger).await?,
    };
    let mode = match arguments.mode {
        Mode::DryRun => EvidenceType::DryRun,
        Mode::RealRun => EvidenceType::RealRun,
    };
    let mut request = RunRequest::new(producer, candidate, mode).due(due);
    request.actor = Some(session.actor(arguments.acting));
    request.correlation_id = arguments.correlation.map(CorrelationId::new);
    request.idempotency_key = arguments.key.map(IdempotencyKey::new);
    request.input_ref = arguments.input;
    request.allow_secret_input = arguments.allow_secret_input;
    request.priority = arguments.priority;
    request.max_attempts = arguments.max_attempts;
    request.backoff = arguments.backoff.unsigned_abs();
    let id = ledger.request_run(&request).await?;
    let request = find(id, &ledger).await?;
    session.output.record(&request, drawn)?;
    session
        .messages
        .note("`dotwrap worker` runs what was asked for");
    Ok(ExitStatus::Done)
}

fn due(arguments: &Add) -> Schedule {
    match (arguments.not_before, arguments.delay) {
        (Some(time), _) => Schedule::At(time),
        (None, Some(delay)) => Schedule::In(delay.unsigned_abs()),
        (None, None) => Schedule::Now,
    }
}

/// What came of cancelling.
#[derive(Debug, Serialize)]
struct Cancelled {
    request_id: RequestId,
    /// False: a worker has it, or it has ended, and nothing was changed.
    cancelled: bool,
    state: RequestState,
}

async fn cancel(arguments: Cancel, session: &mut Context) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let actor = session.actor(arguments.change.acting);
    let request_id = find_prefix(&arguments.request, &ledger).await?.request_id;
    let cancelled = ledger
        .cancel_request(request_id, Some(&actor), &arguments.change.reason)
        .await?;
    let state = find(request_id, &ledger).await?.state;
    session.messages.note(if cancelled {
        format!("cancelled {request_id}")
    } else {
        format!("{request_id} is {state}; nothing was changed")
    });
    session.output.change(&Cancelled {
        request_id,
        cancelled,
        state,
    })?;
    Ok(ExitStatus::Done)
}
