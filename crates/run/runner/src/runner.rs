//! The runner: the parts that all its runs share.

use std::{process, sync::Arc, time::Duration};

use dotwrap_invoke::{Mode, Stop, UnsupportedContract};
use dotwrap_wrapper::{
    Actor, BeginOutcome, BegunRun, CandidateCode, Conclusion, Contract, DotCode, OnEarlier,
    ProcessRunId, RunWatch, StoredStatus, Tool, Verdict, Wrapper,
};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::{
    Error, InvokerRegistry, Outcome, Prepared, Progress, RunOptions, RunsDir, clock::Comparison,
    lease_wait::LeaseWait, prepare::callable, schema::Schema,
};

/// The interval at which the database is asked whether runs may go on, from the first run on. A tool hears of a closed
/// gate within a second.
const RUN_POLL_INTERVAL: Duration = Duration::from_millis(300);

/// How many bytes stay free on the disk of the runs' folder, where nothing else is said: 256 MiB.
pub const DEFAULT_MIN_FREE_BYTES: u64 = 256 << 20;

/// Executes pairs. Cheap to clone; all clones share one watch over their runs.
#[derive(Clone, Debug)]
pub struct Runner {
    pub(crate) wrapper: Wrapper,
    pub(crate) engines: InvokerRegistry,
    pub(crate) folders: RunsDir,
    pub(crate) name: Actor,
    watch: Arc<OnceCell<RunWatch>>,
    pub(crate) compared: Arc<Comparison>,
    pub(crate) min_free_bytes: u64,
}

/// The default name of a runner: its host and its process.
pub fn default_runner_name(host: &str) -> Actor {
    Actor::new(format!("{host}:{}", process::id()))
}

impl Runner {
    /// A runner that records through this wrapper, calls through these invokers, keeps outputs in these folders, and
    /// holds leases under this name.
    pub fn new(wrapper: Wrapper, engines: InvokerRegistry, folders: RunsDir, name: Actor) -> Self {
        Self {
            wrapper,
            engines,
            folders,
            name,
            watch: Arc::default(),
            compared: Arc::default(),
            min_free_bytes: DEFAULT_MIN_FREE_BYTES,
        }
    }

    /// Sets how many bytes stay free on the disk of the runs' folder: with less no run is begun, and one under way is
    /// stopped. 0 switches this off.
    #[must_use]
    pub fn with_min_free_bytes(mut self, bytes: u64) -> Self {
        self.min_free_bytes = bytes;
        self
    }

    /// The wrapper that it records through.
    pub fn wrapper(&self) -> &Wrapper {
        &self.wrapper
    }

    /// The holder name of its leases.
    pub fn name(&self) -> &Actor {
        &self.name
    }

    /// The folder of its outputs.
    pub fn folders(&self) -> &RunsDir {
        &self.folders
    }

    /// Executes a pair once. Returns the run of a used key before it checks whether the gates and this machine allow a
    /// call now. The pair must still be registered.
    ///
    /// # Errors
    /// Each error names the cause. No tool was called, except with [`Error::NotConcluded`].
    pub async fn run(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        order: &RunOptions,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Outcome, Error> {
        let mut wait = LeaseWait::at_most(order.wait);
        let mut is_holder_looked_at = false;
        let mut stopped = interrupt.clone();
        loop {
            let attempt = self
                .run_attempt(
                    producer,
                    candidate,
                    mode,
                    order,
                    progress,
                    &interrupt,
                    wait.is_open(),
                )
                .await;
            let Err(error) = attempt else {
                return attempt;
            };
            if !is_holder_looked_at && self.end_lease_of_dead_holder(&error).await {
                is_holder_looked_at = true;
                continue;
            }
            let is_over = tokio::select! {
                waited = wait.before_next(&error, progress) => !waited,
                _ = stopped.cancelled() => true,
            };
            if is_over {
                return Err(error);
            }
            is_holder_looked_at = false;
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one attempt of `run`, with its arguments"
    )]
    async fn run_attempt(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        order: &RunOptions,
        progress: &dyn Progress,
        interrupt: &Stop,
        calls_again: bool,
    ) -> Result<Outcome, Error> {
        if let Some(earlier) = self.existing_run(producer, candidate, mode, order).await? {
            return Ok(earlier);
        }
        match self.prepare(producer, candidate, mode).await? {
            Some(prepared) => {
                let interrupt = interrupt.clone();
                self.execute_attempt(&prepared, order, progress, interrupt, calls_again)
                    .await
            }
            None => Err(self.refusal(producer, candidate, mode, order).await),
        }
    }

    /// The run that the key was used for, if any.
    async fn existing_run(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        order: &RunOptions,
    ) -> Result<Option<Outcome>, Error> {
        let Some(key) = &order.idempotency_key else {
            return Ok(None);
        };
        let Some(run) = self.wrapper.run_of_key(key).await? else {
            return Ok(None);
        };
        // A run that passed is the result of a retry too.
        if order.on_earlier == OnEarlier::Retry && run.verdict != Some(Verdict::Pass) {
            return Ok(None);
        }
        let mut call =
            order.begin_call(producer, candidate, mode, ProcessRunId::mint(), &self.name);
        call.on_earlier = OnEarlier::Return;
        match self.wrapper.begin_run(&call).await? {
            BeginOutcome::Begun(begun) => Err(cancel(begun).await),
            BeginOutcome::Existing(run) => self.existing_outcome(order, run).await.map(Some),
        }
    }

    /// The outcome of a call whose key was used for this run. The database compared everything except the input, which
    /// two calls with one key must share as well: otherwise a pass for another input would count for this one.
    pub(crate) async fn existing_outcome(
        &self,
        order: &RunOptions,
        process_run_id: ProcessRunId,
    ) -> Result<Outcome, Error> {
        let run = self.wrapper.run(process_run_id).await?;
        if run.is_some_and(|run| run.input_ref.as_deref() != order.input()) {
            return Err(Error::OtherInput { process_run_id });
        }
        Ok(Outcome::Earlier { process_run_id })
    }

    /// Reads and checks the pair. None where the database will refuse to begin such a run; its refusal names the cause.
    ///
    /// # Errors
    /// [`Error::Unusable`], and the errors of reading the registry.
    pub async fn prepare(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
    ) -> Result<Option<Prepared>, Error> {
        Prepared::read(&self.wrapper, &self.engines, producer, candidate, mode).await
    }

    /// Checks whether this machine could call a tool by a contract: engine, endpoint, `invocation` and schemas. So the
    /// defect is reported when the contract is set.
    ///
    /// # Errors
    /// The cause, as in [`Runner::prepare`].
    pub fn check(&self, tool: &Tool, contract: &Contract) -> Result<(), UnsupportedContract> {
        let Ok(mode) = contract.mode.parse::<Mode>() else {
            // A mode without a call.
            return Ok(());
        };
        callable(&self.engines, tool, contract, mode)?;
        Schema::read("verifier_schema", contract.verifier_schema.as_ref()).map(drop)
    }

    /// Probable omissions of a usable contract, in sentences for people; empty where it cannot be called.
    pub fn warnings(&self, tool: &Tool, contract: &Contract) -> Vec<String> {
        let Ok(mode) = contract.mode.parse::<Mode>() else {
            return Vec::new();
        };
        let invoker = callable(&self.engines, tool, contract, mode);
        invoker.map_or_else(
            |_refused| Vec::new(),
            |(invoker, _)| invoker.warnings(contract),
        )
    }

    /// Lets the database refuse a pair that could not be prepared: its gates and its registry know the cause, and the
    /// refusal is counted. Where it begins the run nevertheless, because something changed meanwhile, the run is
    /// cancelled and the caller may retry.
    pub async fn refusal(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        order: &RunOptions,
    ) -> Error {
        // With its own key and id the call could not be repeated.
        let id = ProcessRunId::mint();
        let keyless = RunOptions {
            idempotency_key: None,
            ..order.clone()
        };
        let call = keyless.begin_call(producer, candidate, mode, id, &self.name);
        match self.wrapper.begin_run(&call).await {
            Err(error) => error.into(),
            Ok(BeginOutcome::Begun(begun)) => cancel(begun).await,
            Ok(BeginOutcome::Existing(_)) => Error::RegistryChanged,
        }
    }

    pub(crate) async fn watch(&self) -> RunWatch {
        self.watch
            .get_or_init(|| async { self.wrapper.watch_runs(RUN_POLL_INTERVAL) })
            .await
            .clone()
    }
}

/// Concludes a run that was begun and will not be executed.
async fn cancel(begun: BegunRun) -> Error {
    let called_off = Conclusion::new(StoredStatus::Cancelled)
        .error_ref("runner: registry_changed")
        .evidence_ref(json!({"reason": "registry_changed", "producer": "not called"}));
    match begun.conclude(&called_off).await {
        Ok(()) => Error::RegistryChanged,
        Err(error) => error.into(),
    }
}
