//! What a worker that ends by itself leaves: which requests still wait and why, and which of its runs failed.
use dotwrap_wrapper::{
    EvidenceType, Lease, LeaseRecord, LeaseState, Posture, ProcessRunId, RequestState, Run,
    RunRequestFilter, RunRequestRecord, StoredStatus, Verdict, Wrapper,
};
use jiff::Timestamp;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Messages, format_time};

/// How many waiting requests are named.
const MAX_NAMED: usize = 20;

/// How many runs are asked for in one statement.
const BATCH: usize = 500;

/// What decides whether a waiting request is taken.
struct Circumstances {
    modes: Vec<EvidenceType>,
    posture: Posture,
    leases: Vec<LeaseRecord>,
    now: Timestamp,
}

/// Says which requests still wait, and why.
pub(super) async fn say_what_waits(
    modes: &[EvidenceType],
    ledger: &Wrapper,
    messages: Messages,
) -> Result<(), Failure> {
    if messages.is_quiet() {
        return Ok(());
    }
    let mut requests = Vec::new();
    for state in [RequestState::Waiting, RequestState::Claimed] {
        let mut filter = RunRequestFilter::default();
        filter.state = Some(state);
        let limit = u32::try_from(MAX_NAMED + 1).unwrap_or(u32::MAX);
        requests.extend(ledger.run_requests(&filter, limit).await?);
    }
    if requests.is_empty() {
        return Ok(());
    }
    let circumstances = Circumstances {
        modes: modes.to_vec(),
        posture: ledger.posture().await?,
        leases: ledger.leases().await?,
        now: Timestamp::now(),
    };
    for request in requests.iter().take(MAX_NAMED) {
        messages.note(format!(
            "{} still waits ({} {}): {}",
            request.request_id,
            request.mode,
            request.dot_code,
            circumstances.reason(request)
        ));
    }
    if requests.len() > MAX_NAMED {
        messages.note("more requests wait; `dotwrap requests ls` lists them");
    }
    Ok(())
}

impl Circumstances {
    fn reason(&self, request: &RunRequestRecord) -> String {
        if request.state == RequestState::Claimed {
            let worker = request.claimed_by.as_deref().unwrap_or("another worker");
            return match request.claimed_until {
                Some(until) => format!("claimed by {worker} until {}", format_time(until)),
                None => format!("claimed by {worker}"),
            };
        }
        if !self.modes.is_empty() && !self.modes.contains(&request.mode) {
            return "this worker does not take its mode".to_owned();
        }
        if request.not_before > self.now {
            let due = format_time(request.not_before);
            return match &request.refusal_code {
                Some(code) => format!("refused with {code}, tried again at {due}"),
                None => format!("not due before {due}"),
            };
        }
        let is_allowed = match self.posture {
            Posture::NoExecute => false,
            Posture::DryRunOnly => request.mode == EvidenceType::DryRun,
            Posture::RealRun => true,
        };
        if !is_allowed {
            return format!("the gates do not allow it ({})", self.posture);
        }
        let pair = Lease::pair_lease_name(&request.dot_code);
        let mut held = self
            .leases
            .iter()
            .filter(|lease| lease.state == LeaseState::Held);
        let needed = [&request.lease_name, &pair];
        if let Some(lease) = held.find(|lease| needed.contains(&&lease.lease_name)) {
            return format!(
                "{} holds the lease {}",
                lease.lease_holder, lease.lease_name
            );
        }
        match &request.refusal_code {
            Some(code) => format!("refused with {code}"),
            None => "it came when this worker ended".to_owned(),
        }
    }
}

/// The failure that the runs of a worker come to, where one of them is no pass. Each of them is named in a warning.
pub(super) async fn failed(
    concluded: &[ProcessRunId],
    ledger: &Wrapper,
    messages: Messages,
) -> Result<Option<Failure>, Failure> {
    let mut failed = Vec::new();
    for some in concluded.chunks(BATCH) {
        let runs = ledger.runs_of_ids(some).await?;
        failed.extend(runs.into_iter().filter(|run| !is_pass(run)));
    }
    for run in &failed {
        messages.warning(described(run));
    }
    let Some(first) = failed.first() else {
        return Ok(None);
    };
    let message = match failed.len() {
        1 => described(first),
        many => format!(
            "FAILED: {many} of {} runs. See: dotwrap runs ls",
            concluded.len()
        ),
    };
    Ok(Some(Failure::new(
        ExitStatus::Failed,
        "run_failed",
        message,
    )))
}

fn is_pass(run: &Run) -> bool {
    run.status == StoredStatus::Completed && run.verdict == Some(Verdict::Pass)
}

fn described(run: &Run) -> String {
    let word = match run.verdict {
        Some(Verdict::Fail) => "FAILED VERIFICATION",
        _ if run.status == StoredStatus::Cancelled => "CANCELLED",
        _ => "FAILED",
    };
    let producer = run
        .dot_code
        .as_ref()
        .map_or_else(|| "a run".to_owned(), ToString::to_string);
    format!(
        "{word}: {producer}. See: dotwrap runs show {}",
        run.process_run_id
    )
}
