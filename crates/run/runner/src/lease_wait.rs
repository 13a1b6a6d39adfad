//! A busy lease: its holder may have died on this machine, and the caller may want to wait.

use std::time::Duration;

use dotwrap_wrapper::{LeaseState, ProcessRunId, Refusal, RefusalCode};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::{Error, Progress, Runner, Step, holder};

/// The pause between two attempts to begin a run whose lease is held.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How long the tools of a dead runner may take to end before its lease is left to expire, and the interval of looks.
const TOOLS_END_TIMEOUT: Duration = Duration::from_secs(5);
const TOOLS_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A wait for a lease: until when, and what was reported.
#[derive(Debug)]
pub(crate) struct LeaseWait {
    until: Option<Instant>,
    reported: Option<String>,
}

impl LeaseWait {
    pub(crate) fn at_most(limit: Option<Duration>) -> Self {
        Self {
            until: limit.map(|limit| Instant::now() + limit),
            reported: None,
        }
    }

    /// Whether another attempt may follow this one.
    pub(crate) fn is_open(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// Waits before the next attempt after this error. False: the error is the result.
    pub(crate) async fn before_next(&mut self, error: &Error, progress: &dyn Progress) -> bool {
        let Some(refusal) = refusal_of(error) else {
            return false;
        };
        let Some(until) = self.until.filter(|until| Instant::now() < *until) else {
            return false;
        };
        let text = |name: &str| refusal.detail[name].as_str().unwrap_or_default().to_owned();
        let holder = text("lease_holder");
        if self.reported.as_ref() != Some(&holder) {
            progress.step(Step::WaitingForLease {
                lease: &text("lease_name"),
                holder: &holder,
                expires_at: text("expires_at").parse::<Timestamp>().ok(),
                at_most: until.saturating_duration_since(Instant::now()),
            });
            self.reported = Some(holder);
        }
        sleep(RETRY_INTERVAL.min(until.saturating_duration_since(Instant::now()))).await;
        true
    }
}

/// The refusal that waiting may remove: another run holds the lease, or the contracts changed while this one waited.
fn refusal_of(error: &Error) -> Option<&Refusal> {
    let Error::Wrapper(error) = error else {
        return None;
    };
    error.refusal().filter(|refusal| {
        matches!(
            refusal.code,
            RefusalCode::LeaseHeld
                | RefusalCode::Busy
                | RefusalCode::StillRunning
                | RefusalCode::ContractChanged
        )
    })
}

impl Runner {
    /// Ends the lease that a run was refused for, where its holder's process ended on this machine. Returns whether it
    /// did: the run can be begun again at once.
    pub(crate) async fn end_lease_of_dead_holder(&self, error: &Error) -> bool {
        let Some(refusal) = refusal_of(error) else {
            return false;
        };
        let text = |name: &str| refusal.detail[name].as_str().map(str::to_owned);
        let (Some(lease), Some(holder)) = (text("lease_name"), text("holder_process")) else {
            return false;
        };
        let run = text("process_run_id").and_then(|run| run.parse().ok());
        self.end_lease(&lease, &holder, run).await.is_some()
    }

    /// Ends every lease whose holder's process ended on this machine, and concludes its run. Returns those runs.
    ///
    /// # Errors
    /// The leases cannot be read.
    pub async fn end_leases_of_dead_holders(
        &self,
    ) -> Result<Vec<ProcessRunId>, dotwrap_wrapper::Error> {
        let mut ended = Vec::new();
        for lease in self.wrapper.leases().await? {
            if let (LeaseState::Held, Some(holder)) = (lease.state, &lease.holder_process) {
                let run = self.end_lease(&lease.lease_name, holder, lease.process_run_id);
                ended.extend(run.await.flatten());
            }
        }
        Ok(ended)
    }

    /// None: the lease is left as it is.
    async fn end_lease(
        &self,
        lease: &str,
        holder: &str,
        run: Option<ProcessRunId>,
    ) -> Option<Option<ProcessRunId>> {
        if !holder::has_ended(holder) {
            return None;
        }
        let until = Instant::now() + TOOLS_END_TIMEOUT;
        while run.is_some_and(holder::has_living_tools) {
            if Instant::now() >= until {
                return None;
            }
            sleep(TOOLS_POLL_INTERVAL).await;
        }
        match self
            .wrapper
            .end_lease_of_ended_process(lease, holder, Some(&self.name))
            .await
        {
            Ok(run) => run.map(Some),
            Err(error) => {
                tracing::debug!(%error, lease, "the lease of a dead holder is left to expire");
                None
            }
        }
    }
}
