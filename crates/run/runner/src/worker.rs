//! Claims, executes and finishes requested runs, several concurrently, until it is stopped.
//!
//! Any number of workers on any number of machines can run concurrently. The database gives a request to one worker at
//! a time, and allows at most one run per request.

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use dotwrap_invoke::{Mode, Stop};
use dotwrap_wrapper::{
    ClaimedRequest, DEFAULT_LEASE_TTL, EvidenceType, ProcessRunId, RefusalKind, RequestEnd,
};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};

use crate::{Error, Outcome, Prepared, Progress, RunOptions, Runner};

/// When a transient failure is retried.
const RETRY_DELAY: Duration = Duration::from_secs(15);

/// The longest interval between two looks for runs of dead holders.
const LONGEST_REAP_INTERVAL: Duration = Duration::from_secs(5);

/// The pause after a database error.
const ERROR_BACKOFF: Duration = Duration::from_secs(3);

/// The settings of a worker.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The number of concurrent runs.
    pub concurrency: usize,
    /// The time to live of a run's lease and of the claim on its request, unless renewed.
    pub lease_ttl: Duration,
    /// The pause between two polls while there is no work.
    pub poll_interval: Duration,
    /// The modes to claim; empty for all.
    pub modes: Vec<EvidenceType>,
    /// Whether it ends when there is no work.
    pub until_idle: bool,
    /// The labels of this worker: a contract may require some.
    pub labels: Vec<String>,
}

/// Receives the worker's events.
pub trait WorkerObserver: Send + Sync {
    /// The observer of a run's steps.
    fn of_run(&self, claim: &ClaimedRequest) -> Box<dyn Progress>;
    /// A claim was finished.
    fn finished(&self, claim: &ClaimedRequest, end: &RequestEnd);
    /// Runs of dead holders were concluded.
    fn reaped(&self, runs: &[ProcessRunId]);
    /// The worker is alive: it is about to claim, or waits for work or for its runs. Called every few seconds, and less
    /// often only while the database does not answer.
    fn alive(&self) {}
    /// An error occurred, and the worker continues.
    fn on_error(&self, what: &str, error: &dyn std::error::Error);
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            concurrency: 1,
            lease_ttl: DEFAULT_LEASE_TTL,
            poll_interval: Duration::from_secs(1),
            modes: Vec::new(),
            until_idle: false,
            labels: Vec::new(),
        }
    }
}

impl Runner {
    /// Works until `drain` is signalled, then finishes the runs in flight. `interrupt` stops those too and concludes
    /// them. Returns the number of finished claims.
    ///
    /// # Errors
    /// An error that prevents claiming. A transient one ends the worker only where it is to end without work, because
    /// it cannot know whether there is work. Runs in flight are finished first.
    pub async fn work(
        &self,
        work: &WorkerOptions,
        told: Arc<dyn WorkerObserver>,
        mut drain: Stop,
        interrupt: &Stop,
    ) -> Result<usize, Error> {
        let mut under_way: JoinSet<bool> = JoinSet::new();
        let (mut finished, mut broke_off) = (0, None);
        let mut interrupted = interrupt.clone();
        let mut reap_at = Instant::now();
        while drain.reason().is_none() && interrupt.reason().is_none() {
            told.alive();
            if reap_at <= Instant::now() {
                self.reap(&*told).await;
                reap_at = Instant::now() + (work.lease_ttl / 2).min(LONGEST_REAP_INTERVAL);
            }
            while let Some(done) = under_way.try_join_next() {
                finished += usize::from(is_finished(done, &*told));
            }
            let claimed = if under_way.len() < work.concurrency {
                self.claim(work).await
            } else {
                ClaimGuard::Nothing(work.poll_interval)
            };
            let pause = match claimed {
                ClaimGuard::Request(claim) => {
                    let (runner, told) = (self.clone(), Arc::clone(&told));
                    let (interrupt, ttl) = (interrupt.clone(), work.lease_ttl);
                    under_way
                        .spawn(async move { runner.serve(*claim, ttl, &*told, interrupt).await });
                    continue;
                }
                ClaimGuard::Nothing(_) if work.until_idle && under_way.is_empty() => break,
                ClaimGuard::Nothing(pause) => pause,
                ClaimGuard::Trouble(error) if work.until_idle || !error.is_transient() => {
                    if !under_way.is_empty() {
                        told.on_error("no more requests are claimed", &error);
                    }
                    broke_off = Some(error);
                    break;
                }
                ClaimGuard::Trouble(error) => {
                    told.on_error("no request could be claimed", &error);
                    ERROR_BACKOFF
                }
            };
            tokio::select! {
                _ = drain.cancelled() => {}
                _ = interrupted.cancelled() => {}
                done = next(&mut under_way) => finished += usize::from(is_finished(done, &*told)),
                () = sleep(pause) => {}
            }
        }
        while !under_way.is_empty() {
            told.alive();
            tokio::select! {
                done = next(&mut under_way) => finished += usize::from(is_finished(done, &*told)),
                () = sleep(work.poll_interval) => {}
            }
        }
        match broke_off {
            Some(error) => Err(error.into()),
            None => Ok(finished),
        }
    }

    async fn reap(&self, told: &dyn WorkerObserver) {
        match self.end_leases_of_dead_holders().await {
            Ok(runs) if runs.is_empty() => {}
            Ok(runs) => told.reaped(&runs),
            Err(error) => told.on_error("the leases of dead holders could not be ended", &error),
        }
        match self.wrapper.reap_runs(Some(&self.name)).await {
            Ok(runs) if runs.is_empty() => {}
            Ok(runs) => told.reaped(&runs),
            Err(error) => told.on_error("the runs of dead holders could not be reaped", &error),
        }
    }

    async fn claim(&self, work: &WorkerOptions) -> ClaimGuard {
        match self
            .wrapper
            .claim_request(&self.name, work.lease_ttl, &work.modes, &work.labels)
            .await
        {
            Ok(Some(claim)) => ClaimGuard::Request(Box::new(claim)),
            Ok(None) => ClaimGuard::Nothing(work.poll_interval),
            Err(error) => ClaimGuard::Trouble(error),
        }
    }

    /// Serves one claim. Returns false where its outcome could not be recorded here and is left to the next claim.
    async fn serve(
        &self,
        claim: ClaimedRequest,
        ttl: Duration,
        told: &dyn WorkerObserver,
        interrupt: Stop,
    ) -> bool {
        let progress = told.of_run(&claim);
        let served = tokio::select! {
            served = self.execute_claimed(&claim, ttl, &*progress, interrupt) => served,
            never = self.renew_claim(&claim, ttl) => match never {},
        };
        let end = match served {
            Ok(outcome) => self.end_of(outcome, ttl).await,
            // Called, but not concluded by this worker: another process has concluded it or will.
            Err(error @ Error::NotConcluded { process_run_id, .. }) => {
                told.on_error("a run was not concluded by its worker", &error);
                self.end_of(Outcome::Earlier { process_run_id }, ttl).await
            }
            Err(error) => end_of_refused(&error).ok_or(error),
        };
        let said = match &end {
            Ok(end) => self
                .wrapper
                .finish_request(&claim, end)
                .await
                .map_err(Error::from),
            Err(_) => Ok(false),
        };
        match (&end, said) {
            (Ok(end), Ok(true)) => {
                told.finished(&claim, end);
                true
            }
            (Ok(_), Ok(false)) => false,
            (Err(error), _) => {
                told.on_error("a claim is left to run out", error);
                false
            }
            (_, Err(error)) => {
                told.on_error("what came of a claim could not be said", &error);
                false
            }
        }
    }

    async fn execute_claimed(
        &self,
        claim: &ClaimedRequest,
        ttl: Duration,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Outcome, Error> {
        let mode = match claim.mode() {
            EvidenceType::RealRun => Mode::RealRun,
            _ => Mode::DryRun,
        };
        let order = RunOptions {
            input_ref: claim.input_ref().map(str::to_owned),
            input_digest: claim.input_digest().map(str::to_owned),
            idempotency_key: Some(claim.run_key().clone()),
            correlation_id: Some(claim.correlation_id().clone()),
            actor: Some(claim.actor().clone()),
            lease_ttl: ttl,
            // Whoever made the request was asked.
            allow_secret_input: true,
            ..RunOptions::default()
        };
        // Before the registry is checked: a run that was begun is not called again.
        if let Some(run) = self.wrapper.run_of_key(claim.run_key()).await?
            && run.attempt >= claim.attempt()
        {
            return Ok(Outcome::Earlier {
                process_run_id: run.process_run_id,
            });
        }
        let (producer, candidate) = (claim.dot_code(), claim.process_candidate_code());
        match self.prepare(producer, candidate, mode).await? {
            Some(prepared) => {
                check_input_is_here(&prepared, claim)?;
                self.execute(&prepared, &order, progress, interrupt).await
            }
            None => Err(self.refusal(producer, candidate, mode, &order).await),
        }
    }

    async fn end_of(&self, outcome: Outcome, ttl: Duration) -> Result<RequestEnd, Error> {
        let process_run_id = match outcome {
            Outcome::Concluded { process_run_id, .. } => {
                return Ok(RequestEnd::Concluded(process_run_id));
            }
            Outcome::Earlier { process_run_id } => process_run_id,
        };
        let run = self.wrapper.run(process_run_id).await?;
        let is_concluded = run.is_some_and(|run| run.concluded_at.is_some());
        Ok(if is_concluded {
            RequestEnd::Concluded(process_run_id)
        } else {
            // Its worker lives, or its lease has not expired.
            RequestEnd::Retry {
                refusal_code: "lease_held".to_owned(),
                after: ttl,
            }
        })
    }

    /// Renews while it is polled. A lost claim does not stop the run: the run holds its own lease, and the request ends
    /// with that run whichever worker has the claim.
    async fn renew_claim(&self, claim: &ClaimedRequest, ttl: Duration) -> Infallible {
        loop {
            sleep(ttl / 3).await;
            let renewed = timeout(ttl / 3, self.wrapper.renew_request(claim, ttl)).await;
            if !matches!(renewed, Ok(Ok(true))) {
                tracing::debug!(request = %claim.request_id(), "the claim was not renewed");
            }
        }
    }
}

/// The result of a poll for work.
enum ClaimGuard {
    Request(Box<ClaimedRequest>),
    Nothing(Duration),
    Trouble(dotwrap_wrapper::Error),
}

/// The next task to end; pending where there is none.
async fn next(under_way: &mut JoinSet<bool>) -> Result<bool, JoinError> {
    match under_way.join_next().await {
        Some(done) => done,
        None => std::future::pending().await,
    }
}

/// Whether a task finished its claim. A panicked task is a defect of this program or of an invoker, and is reported.
fn is_finished(done: Result<bool, JoinError>, told: &dyn WorkerObserver) -> bool {
    done.unwrap_or_else(|error| {
        told.on_error(
            "serving a claim broke off; the claim is left to run out",
            &error,
        );
        false
    })
}

/// The end of a request whose run was not begun. None where that is unknown: the claim is left to expire.
fn end_of_refused(error: &Error) -> Option<RequestEnd> {
    let (code, may_pass) = match error {
        Error::Wrapper(error) => {
            let refusal = error.refusal()?;
            let code = refusal.code.as_str().to_owned();
            let may_pass = refusal.kind() == RefusalKind::Lease || is_gate_refusal(&code);
            (code, may_pass)
        }
        // Waits without a limit: the number of claims does not tell how many workers lack the program.
        Error::Unusable { reason, .. } => (reason.code.to_owned(), reason.is_local),
        Error::InputMissing { .. } => ("input_missing".to_owned(), false),
        Error::InputNotHere { .. } => ("input_not_here".to_owned(), true),
        Error::OtherInput { .. } => ("idempotency_conflict".to_owned(), false),
        Error::RegistryChanged => ("registry_changed".to_owned(), true),
        Error::Folder { .. } => ("folder_unusable".to_owned(), true),
        Error::DiskFull { .. } => ("disk_full".to_owned(), true),
        Error::NotConcluded { .. } => return None,
    };
    Some(if may_pass {
        RequestEnd::Retry {
            refusal_code: code,
            after: RETRY_DELAY,
        }
    } else {
        RequestEnd::Refused(code)
    })
}

/// A request of a contract that requires labels waits for a worker whose machine has the input.
fn check_input_is_here(prepared: &Prepared, claim: &ClaimedRequest) -> Result<(), Error> {
    if prepared.producer.contract.requires.is_empty() {
        return Ok(());
    }
    let path = claim.input_ref().map(Path::new);
    match path.filter(|path| path.is_absolute() && !path.exists()) {
        Some(path) => Err(Error::InputNotHere {
            path: path.to_owned(),
        }),
        None => Ok(()),
    }
}

fn is_gate_refusal(code: &str) -> bool {
    [
        "no_execute",
        "real_run_disabled",
        "preflight_blocked",
        "tool_paused",
    ]
    .contains(&code)
}
