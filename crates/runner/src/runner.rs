//! The runner: what it needs, once for many runs.

use std::{process, sync::Arc, time::Duration};

use dotwrap_invoke::{Mode, Stop, UnsupportedContract};
use dotwrap_wrapper::{
    Actor, BeginOutcome, BegunRun, CandidateCode, Conclusion, Contract, DotCode, PostureWatch,
    ProcessRunId, StoredStatus, Tool, Wrapper,
};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::{
    Error, InvokerRegistry, Outcome, Prepared, Progress, RunOptions, RunsDir, clock::Comparison,
    prepare::callable, schema::Schema,
};

/// How often the posture is asked for, from the first run on: a closed gate stops calls within a second, and some of that
/// second is the stopping's.
const POSTURE_POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Executes pairs. Cheap to clone; its clones share one watch on the gates.
#[derive(Clone, Debug)]
pub struct Runner {
    pub(crate) wrapper: Wrapper,
    pub(crate) engines: InvokerRegistry,
    pub(crate) folders: RunsDir,
    pub(crate) name: Actor,
    posture: Arc<OnceCell<PostureWatch>>,
    pub(crate) compared: Arc<Comparison>,
}

/// What a runner is called unless it is told: its host and its process.
pub fn default_runner_name(host: &str) -> Actor {
    Actor::new(format!("{host}:{}", process::id()))
}

impl Runner {
    /// A runner that records through this wrapper, calls with these invokers, keeps outputs in these folders, and holds
    /// leases under this name.
    pub fn new(wrapper: Wrapper, engines: InvokerRegistry, folders: RunsDir, name: Actor) -> Self {
        Self {
            wrapper,
            engines,
            folders,
            name,
            posture: Arc::default(),
            compared: Arc::default(),
        }
    }

    /// What it records through.
    pub fn wrapper(&self) -> &Wrapper {
        &self.wrapper
    }

    /// The name that it holds leases under.
    pub fn name(&self) -> &Actor {
        &self.name
    }

    /// Where it keeps outputs.
    pub fn folders(&self) -> &RunsDir {
        &self.folders
    }

    /// Executes a pair once: what the order's key was used for is told before the gates and this machine are asked whether
    /// the pair could be called now. The pair itself has to be registered still.
    ///
    /// # Errors
    /// Each says what was in the way; nothing was called then, but with [`Error::NotConcluded`].
    pub async fn run(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        order: &RunOptions,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Outcome, Error> {
        if let Some(earlier) = self.existing_run(producer, candidate, mode, order).await? {
            return Ok(earlier);
        }
        match self.prepare(producer, candidate, mode).await? {
            Some(prepared) => self.execute(&prepared, order, progress, interrupt).await,
            None => Err(self.refusal(producer, candidate, mode, order).await),
        }
    }

    /// What the order's key was used for, if it was.
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
        if self.wrapper.run_of_key(key).await?.is_none() {
            return Ok(None);
        }
        let call = order.begin_call(producer, candidate, mode, ProcessRunId::mint(), &self.name);
        match self.wrapper.begin_run(&call).await? {
            BeginOutcome::Begun(begun) => Err(cancel(begun).await),
            BeginOutcome::Existing(run) => self.existing_outcome(order, run).await.map(Some),
        }
    }

    /// The outcome of an order whose key was used for this run. The database compared everything but the input, which two orders
    /// of one key share as well: a pass for another input would be believed of this one.
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

    /// Reads what is to be called, and judges it. None: the database will refuse to begin such a run, and says why.
    ///
    /// # Errors
    /// [`Error::Unusable`]; what reading the registry gives.
    pub async fn prepare(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
    ) -> Result<Option<Prepared>, Error> {
        Prepared::read(&self.wrapper, &self.engines, producer, candidate, mode).await
    }

    /// Whether a tool could be called from here as a contract has it: by its engine, its endpoint, its `invocation`, its schemas.
    /// What a run would be refused for can be said when the contract is set.
    ///
    /// # Errors
    /// What keeps it from being called, as [`Runner::prepare`] would say it.
    pub fn check(&self, tool: &Tool, contract: &Contract) -> Result<(), UnsupportedContract> {
        let Ok(mode) = contract.mode.parse::<Mode>() else {
            // One of the modes in which nothing is called.
            return Ok(());
        };
        callable(&self.engines, tool, contract, mode)?;
        Schema::read("verifier_schema", contract.verifier_schema.as_ref()).map(drop)
    }

    /// What a contract that can be called probably lacks, in sentences for people; nothing where it can not be called.
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

    /// Lets the database say why it will not begin what could not be prepared: its gates and its registry are the only ones
    /// who know, and the refusal is counted. Where it begins the run all the same, because something changed
    /// meanwhile, the run is called off and the caller may try again.
    pub async fn refusal(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        order: &RunOptions,
    ) -> Error {
        // Under its own key and id the order could not be tried again.
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

    pub(crate) async fn posture(&self) -> PostureWatch {
        self.posture
            .get_or_init(|| async { self.wrapper.watch_posture(POSTURE_POLL_INTERVAL) })
            .await
            .clone()
    }
}

/// Concludes a run that was begun and is not to be.
async fn cancel(begun: BegunRun) -> Error {
    let called_off = Conclusion::new(StoredStatus::Cancelled)
        .error_ref("runner: registry_changed")
        .evidence_ref(json!({"reason": "registry_changed", "producer": "not called"}));
    match begun.conclude(&called_off).await {
        Ok(()) => Error::RegistryChanged,
        Err(error) => error.into(),
    }
}
