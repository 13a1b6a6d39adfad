//! The runner: what it needs, once for many runs.

use std::{process, sync::Arc, time::Duration};

use dotwrap_invoke::{Mode, Stop, Unusable};
use dotwrap_wrapper::{
    Actor, Beginning, BegunRun, CandidateCode, Conclusion, Contract, DotCode, PostureWatch,
    ProcessRunId, StoredStatus, Tool, Wrapper,
};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::{
    Engines, Error, Outcome, Prepared, Progress, RunFolders, RunOrder, clock::Comparison,
    prepare::callable, schema::Schema,
};

/// How often the posture is asked for, from the first run on: a closed gate stops calls within a second, and some of that
/// second is the stopping's.
const LOOK_AT_GATES: Duration = Duration::from_millis(300);

/// Executes pairs. Cheap to clone; its clones share one watch on the gates.
#[derive(Clone, Debug)]
pub struct Runner {
    pub(crate) wrapper: Wrapper,
    pub(crate) engines: Engines,
    pub(crate) folders: RunFolders,
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
    pub fn new(wrapper: Wrapper, engines: Engines, folders: RunFolders, name: Actor) -> Self {
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
    pub fn folders(&self) -> &RunFolders {
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
        order: &RunOrder,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Outcome, Error> {
        if let Some(earlier) = self.earlier(producer, candidate, mode, order).await? {
            return Ok(earlier);
        }
        match self.prepare(producer, candidate, mode).await? {
            Some(prepared) => self.execute(&prepared, order, progress, interrupt).await,
            None => Err(self.refusal(producer, candidate, mode, order).await),
        }
    }

    /// What the order's key was used for, if it was.
    async fn earlier(
        &self,
        producer: &DotCode,
        candidate: &CandidateCode,
        mode: Mode,
        order: &RunOrder,
    ) -> Result<Option<Outcome>, Error> {
        let Some(key) = &order.idempotency_key else {
            return Ok(None);
        };
        if self.wrapper.run_of_key(key).await?.is_none() {
            return Ok(None);
        }
        let call = order.begin_call(producer, candidate, mode, ProcessRunId::mint(), &self.name);
        match self.wrapper.begin_run(&call).await? {
            Beginning::Begun(begun) => Err(call_off(begun).await),
            Beginning::Earlier(run) => self.as_before(order, run).await.map(Some),
        }
    }

    /// The outcome of an order whose key was used for this run. The database compared everything but the input, which two orders
    /// of one key share as well: a pass for another input would be believed of this one.
    pub(crate) async fn as_before(
        &self,
        order: &RunOrder,
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
    pub fn check(&self, tool: &Tool, contract: &Contract) -> Result<(), Unusable> {
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
        order: &RunOrder,
    ) -> Error {
        // Under its own key and id the order could not be tried again.
        let id = ProcessRunId::mint();
        let keyless = RunOrder {
            idempotency_key: None,
            ..order.clone()
        };
        let call = keyless.begin_call(producer, candidate, mode, id, &self.name);
        match self.wrapper.begin_run(&call).await {
            Err(error) => error.into(),
            Ok(Beginning::Begun(begun)) => call_off(begun).await,
            Ok(Beginning::Earlier(_)) => Error::RegistryChanged,
        }
    }

    pub(crate) async fn posture(&self) -> PostureWatch {
        self.posture
            .get_or_init(|| async { self.wrapper.watch_posture(LOOK_AT_GATES) })
            .await
            .clone()
    }
}

/// Concludes a run that was begun and is not to be.
async fn call_off(begun: BegunRun) -> Error {
    let called_off = Conclusion::new(StoredStatus::Cancelled)
        .error_ref("runner: registry_changed")
        .evidence_ref(json!({"reason": "registry_changed", "producer": "not called"}));
    match begun.conclude(&called_off).await {
        Ok(()) => Error::RegistryChanged,
        Err(error) => error.into(),
    }
}
