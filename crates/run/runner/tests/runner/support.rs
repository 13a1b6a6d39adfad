//! The test environment: a database with a pair, its contracts and open gates; and tools with scripted behaviour.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dotwrap_invoke::{
    Answer, CallOutcome, Failure, Invoker, Mode, Output, Stop, StopRecord, ToolCall,
    UnsupportedContract,
};
use dotwrap_runner::{
    Error, InvokerRegistry, NoProgress, Outcome, Progress, RunOptions, Runner, RunsDir, Step,
};
use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{
    Actor, CandidateCode, ComponentRole, Contract, ContractDefinition, DotCode, GateSetting,
    ProcessRunId, Rung, StoredStatus, ToolDefinition, Verdict, Wrapper, gate,
};
use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

pub(crate) const PRODUCER: &str = "DOT_PRODUCE";
pub(crate) const VERIFIER: &str = "DOT_CHECK";
pub(crate) const CANDIDATE: &str = "PROC-CAND:test";

type Does = dyn Fn(ToolCall, Stop) -> BoxFuture<'static, Answer> + Send + Sync;

/// A tool that does what a test says, and how often it was called.
#[derive(Clone)]
pub(crate) struct Tools {
    producer: Arc<Does>,
    verifier: Arc<Does>,
    pub(crate) calls: Arc<AtomicUsize>,
}

impl Invoker for Tools {
    fn check(&self, contract: &Contract, _: Mode) -> Result<(), UnsupportedContract> {
        let holds = |key: &str| contract.invocation.get(key).is_some();
        if holds("nonsense") {
            let message = "there is no key nonsense";
            return Err(UnsupportedContract::new("invocation_invalid", message));
        } else if holds("elsewhere") {
            let message = "another machine has the program";
            return Err(UnsupportedContract::local("program_missing", message));
        }
        Ok(())
    }

    fn invoke<'a>(&'a self, call: &'a ToolCall, stop: Stop) -> BoxFuture<'a, Answer> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match call.role {
            ComponentRole::Producer => (self.producer)(call.clone(), stop),
            ComponentRole::Verifier => (self.verifier)(call.clone(), stop),
        }
    }
}

impl Tools {
    /// A producer that leaves a file, and a verifier that reads it and passes it if it still says the same.
    pub(crate) fn honest() -> Self {
        Self {
            producer: Arc::new(|call, _| Box::pin(async move { left(&call, "the work") })),
            verifier: Arc::new(|call, _| {
                Box::pin(async move {
                    let subject = call.produced.as_ref().unwrap();
                    let said = fs::read_to_string(&subject.output.path).unwrap();
                    said_so(
                        &call,
                        if said == "the work" {
                            Verdict::Pass
                        } else {
                            Verdict::Fail
                        },
                    )
                })
            }),
            calls: Arc::default(),
        }
    }

    pub(crate) fn producer<Called>(
        mut self,
        does: impl Fn(ToolCall, Stop) -> Called + Send + Sync + 'static,
    ) -> Self
    where
        Called: Future<Output = Answer> + Send + 'static,
    {
        self.producer = Arc::new(move |call, stop| Box::pin(does(call, stop)));
        self
    }

    pub(crate) fn verifier<Called>(
        mut self,
        does: impl Fn(ToolCall, Stop) -> Called + Send + Sync + 'static,
    ) -> Self
    where
        Called: Future<Output = Answer> + Send + 'static,
    {
        self.verifier = Arc::new(move |call, stop| Box::pin(does(call, stop)));
        self
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// A completed call that left this text.
pub(crate) fn left(call: &ToolCall, text: &str) -> Answer {
    call.make_folder().unwrap();
    let path = call.folder.join("output");
    fs::write(&path, text).unwrap();
    let mut answer = Answer::new(CallOutcome::Completed);
    answer.output = Some(Output::of(&path).unwrap());
    answer
}

/// A verifier's completed call.
pub(crate) fn said_so(call: &ToolCall, verdict: Verdict) -> Answer {
    let mut answer = left(call, &json!({"verdict": verdict}).to_string());
    answer.verdict = Some(verdict);
    answer
}

/// A tool that works until it is told to stop.
pub(crate) async fn until_stopped(mut stop: Stop) -> Answer {
    let reason = stop.cancelled().await;
    Answer::new(CallOutcome::Stopped(StopRecord {
        reason,
        signals_sent: vec!["the tool".to_owned()],
        exited: vec!["the tool".to_owned()],
        possible_effects: vec!["whatever it did before".to_owned()],
    }))
}

/// A failed call.
pub(crate) async fn broken() -> Answer {
    Answer::failed(Failure::new("exit_status", "it ended with exit status 3"))
}

pub(crate) struct Stage {
    pub(crate) database: TestDatabase,
    /// As an operator and owner.
    pub(crate) wrapper: Wrapper,
    pub(crate) folder: tempfile::TempDir,
}

impl Stage {
    /// Gates closed as shipped.
    pub(crate) async fn closed() -> Self {
        let database = TestDatabase::create(Version::V15).await;
        let wrapper = Wrapper::builder()
            .target(database.url_as(database.owner()).parse().unwrap())
            .actor("tester")
            .build()
            .await
            .unwrap();
        let stage = Self {
            database,
            wrapper,
            folder: tempfile::tempdir().unwrap(),
        };
        stage.register(PRODUCER, VERIFIER).await;
        stage
    }

    pub(crate) async fn open() -> Self {
        let stage = Self::closed().await;
        for key in [
            gate::OPERATOR_RUNTIME_ENABLED,
            gate::EXECUTE_ENABLED,
            gate::REAL_RUN_ENABLED,
        ] {
            stage.set_gate(key, true).await;
        }
        stage.set_gate(gate::DRY_RUN_ONLY, false).await;
        stage
    }

    pub(crate) async fn set_gate(&self, key: &str, value: bool) {
        let setting = GateSetting::new(key, value, "a test");
        self.wrapper.set_gate(&setting).await.unwrap();
    }

    pub(crate) async fn register(&self, producer: &str, verifier: &str) {
        let tool = |code: &str, pair: &str, role: &str| ToolDefinition {
            dot_code: code.into(),
            name: code.into(),
            tier: if role == "producer" { "B" } else { "A" }.into(),
            paired_dot: Some(pair.into()),
            pair_role: Some(role.into()),
            execution_engine: Some("command".into()),
            extra_metadata: Some(json!({ "process_candidate_code": CANDIDATE })),
            ..ToolDefinition::default()
        };
        let tools = [
            tool(producer, verifier, "producer"),
            tool(verifier, producer, "verifier"),
        ];
        self.wrapper.import_tools(&tools, None).await.unwrap();
        let candidate = CandidateCode::new(CANDIDATE);
        let registered = self.wrapper.set_candidate(&candidate, None, None, None);
        registered.await.unwrap();
        for code in [producer, verifier] {
            for mode in ["DRY_RUN", "REAL_RUN"] {
                self.contract(code, mode, |_| {}).await;
            }
        }
    }

    pub(crate) async fn contract(
        &self,
        code: &str,
        mode: &str,
        change: impl FnOnce(&mut ContractDefinition),
    ) {
        let mut contract = ContractDefinition {
            dot_code: code.into(),
            mode: mode.into(),
            endpoint_ref: Some(format!("command:{code}")),
            no_mutation_assertion: Some(mode == "DRY_RUN"),
            output_namespace: Some("DRYRUN-NS:test".into()),
            ..ContractDefinition::default()
        };
        change(&mut contract);
        self.wrapper
            .set_contract(&contract, None, None)
            .await
            .unwrap();
    }

    pub(crate) fn runner(&self, tools: &Tools) -> Runner {
        self.runner_named(tools, "runner 1")
    }

    pub(crate) fn runner_named(&self, tools: &Tools, name: &str) -> Runner {
        Runner::new(
            self.wrapper.clone(),
            InvokerRegistry::new().with("command", tools.clone()),
            RunsDir::below(self.folder.path().join("runs")),
            Actor::new(name),
        )
    }

    /// Executes a run of the pair, for real.
    pub(crate) async fn run(&self, tools: &Tools, order: &RunOptions) -> Result<Outcome, Error> {
        self.run_in(Mode::RealRun, tools, order, &NoProgress, Stop::never())
            .await
    }

    pub(crate) async fn run_in(
        &self,
        mode: Mode,
        tools: &Tools,
        order: &RunOptions,
        progress: &dyn Progress,
        interrupt: Stop,
    ) -> Result<Outcome, Error> {
        let runner = self.runner(tools);
        let (producer, candidate) = (DotCode::new(PRODUCER), CandidateCode::new(CANDIDATE));
        match runner.prepare(&producer, &candidate, mode).await? {
            Some(prepared) => runner.execute(&prepared, order, progress, interrupt).await,
            None => Err(runner.refusal(&producer, &candidate, mode, order).await),
        }
    }

    pub(crate) async fn rung(&self) -> Rung {
        let status = self
            .wrapper
            .candidate_status(&CandidateCode::new(CANDIDATE))
            .await
            .unwrap();
        status.unwrap().candidate_status_v3
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let client = self.database.superuser().await;
        let question = format!("SELECT count(*) FROM dot.{table}");
        client.query_one(&question, &[]).await.unwrap().get(0)
    }

    /// The components' evidence, producer first.
    pub(crate) async fn evidence(&self, outcome: &Outcome) -> Vec<Json> {
        let run = concluded(outcome).process_run_id;
        let mut components = self.wrapper.components_of(run).await.unwrap();
        components.sort_by_key(|component| component.component_role == ComponentRole::Verifier);
        components
            .into_iter()
            .map(|component| serde_json::to_value(component).unwrap())
            .collect()
    }
}

/// The conclusion of a run, as a test reads it.
pub(crate) struct Conclusion<'a> {
    pub(crate) process_run_id: ProcessRunId,
    pub(crate) status: StoredStatus,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) error_ref: Option<&'a str>,
}

/// Takes the conclusion out of an outcome. An outcome without one fails the test.
#[track_caller]
pub(crate) fn concluded(outcome: &Outcome) -> Conclusion<'_> {
    let Outcome::Concluded {
        process_run_id,
        status,
        verdict,
        error_ref,
        ..
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    Conclusion {
        process_run_id: *process_run_id,
        status: *status,
        verdict: *verdict,
        error_ref: error_ref.as_deref(),
    }
}

/// Does something at one step.
pub(crate) struct At<F>(pub(crate) Mutex<F>);

impl<F: FnMut(Step<'_>) + Send> At<F> {
    pub(crate) fn step(does: F) -> Self {
        Self(Mutex::new(does))
    }
}

impl<F: FnMut(Step<'_>) + Send> Progress for At<F> {
    fn step(&self, step: Step<'_>) {
        (self.0.lock().unwrap())(step);
    }
}

pub(crate) fn short_lease() -> RunOptions {
    RunOptions {
        lease_ttl: Duration::from_secs(3),
        ..RunOptions::default()
    }
}
