//! Our side: runs of a pair whose tools do nothing, executed by the runner.

use std::sync::Arc;

use dotwrap_bench::{Failure, measure::Contend};
use dotwrap_contract::InstallOptions;
use dotwrap_invoke::{
    Answer, CallOutcome, Invoker, Mode, Output, Stop, ToolCall, UnsupportedContract,
};
use dotwrap_runner::{InvokerRegistry, NoProgress, Outcome, Prepared, RunOptions, Runner, RunsDir};
use dotwrap_wrapper::{
    Actor, CandidateCode, ComponentRole, ConnectionTarget, Contract, ContractDefinition, DotCode,
    GateSetting, StoredStatus, ToolDefinition, Verdict, Wrapper, gate,
};
use futures_util::future::BoxFuture;

use crate::bed::{Bed, Place, connect};

const CANDIDATE: &str = "PROC-CAND:bench";

/// Calls nothing: the answer is ready. What the producer leaves is a file that was there before; the runner looks at it
/// again behind the verifier, as it always does.
struct DoesNothing(Output);

impl Invoker for DoesNothing {
    fn check(&self, _: &Contract, _: Mode) -> Result<(), UnsupportedContract> {
        Ok(())
    }

    fn invoke<'a>(&'a self, call: &'a ToolCall, _: Stop) -> BoxFuture<'a, Answer> {
        let mut answer = Answer::new(CallOutcome::Completed);
        match call.role {
            ComponentRole::Producer => answer.output = Some(self.0.clone()),
            ComponentRole::Verifier => answer.verdict = Some(Verdict::Pass),
        }
        Box::pin(std::future::ready(answer))
    }
}

/// One worker with a pair of its own: two runs of one pair come one after the other, by design.
pub(crate) struct Runs {
    runner: Runner,
    prepared: Prepared,
    order: RunOptions,
}

/// Installs the contract, opens the gates, and registers so many pairs.
pub(crate) async fn install(place: &Place, pairs: usize) -> Result<(), Failure> {
    let owner = connect(&place.config()).await?;
    dotwrap_contract::apply(&owner, &InstallOptions::default()).await?;
    let wrapper = wrapper(place, 1).await?;
    for (key, value) in [
        (gate::OPERATOR_RUNTIME_ENABLED, true),
        (gate::EXECUTE_ENABLED, true),
        (gate::REAL_RUN_ENABLED, true),
        (gate::DRY_RUN_ONLY, false),
    ] {
        let setting = GateSetting::new(key, value, "a benchmark");
        wrapper.set_gate(&setting).await?;
    }
    let tools: Vec<_> = (0..pairs)
        .flat_map(|number| {
            let [producer, verifier] = codes(number);
            [
                tool(&producer, &verifier, "B", "producer"),
                tool(&verifier, &producer, "A", "verifier"),
            ]
        })
        .collect();
    let candidate = CandidateCode::new(CANDIDATE);
    wrapper.set_candidate(&candidate, None, None, None).await?;
    wrapper.import_tools(&tools, None).await?;
    for number in 0..pairs {
        let [producer, _] = codes(number).map(DotCode::new);
        wrapper
            .declare_candidate_pair(&candidate, &producer, None, None)
            .await?;
    }
    for tool in tools {
        let contract = ContractDefinition {
            endpoint_ref: Some(format!("command:{}", tool.dot_code)),
            dot_code: tool.dot_code,
            mode: Mode::RealRun.as_ref().to_owned(),
            ..ContractDefinition::default()
        };
        wrapper.set_contract(&contract, None, None).await?;
    }
    Ok(())
}

impl Runs {
    /// So many workers of one runner, prepared once.
    pub(crate) async fn team(
        bed: &Bed,
        place: &Place,
        workers: usize,
        connections: usize,
    ) -> Result<Vec<Arc<Self>>, Failure> {
        let left = bed.folder().join("left.txt");
        std::fs::write(&left, "the work\n")?;
        let runner = Runner::new(
            wrapper(place, connections).await?,
            InvokerRegistry::new().with("command", DoesNothing(Output::of(&left)?)),
            RunsDir::below(bed.folder().join("runs")),
            Actor::new("bench"),
        );
        let mut team = Vec::new();
        for number in 0..workers {
            let [producer, _] = codes(number);
            let (producer, candidate) = (DotCode::new(producer), CandidateCode::new(CANDIDATE));
            let prepared = runner
                .prepare(&producer, &candidate, Mode::RealRun)
                .await?
                .ok_or("the pair cannot be called")?;
            team.push(Arc::new(Self {
                runner: runner.clone(),
                prepared,
                order: RunOptions::default(),
            }));
        }
        Ok(team)
    }
}

impl Contend for Runs {
    async fn run_once(&self) -> Result<(), Failure> {
        let outcome = self
            .runner
            .execute(&self.prepared, &self.order, &NoProgress, Stop::never())
            .await?;
        match outcome {
            Outcome::Concluded {
                status: StoredStatus::Completed,
                verdict: Some(Verdict::Pass),
                ..
            } => Ok(()),
            other => Err(format!("a run that should have passed did not: {other:?}").into()),
        }
    }
}

async fn wrapper(place: &Place, connections: usize) -> Result<Wrapper, Failure> {
    Ok(Wrapper::builder()
        .target(ConnectionTarget::for_socket(place.config())?)
        .actor("bench")
        .connections(connections)
        .prepared_statements(true)
        .build()
        .await?)
}

fn codes(number: usize) -> [String; 2] {
    [format!("P{number}"), format!("P{number}_V")]
}

fn tool(code: &str, pair: &str, tier: &str, role: &str) -> ToolDefinition {
    ToolDefinition {
        dot_code: code.to_owned(),
        name: code.to_owned(),
        tier: tier.to_owned(),
        paired_dot: Some(pair.to_owned()),
        pair_role: Some(role.to_owned()),
        execution_engine: Some("command".to_owned()),
        ..ToolDefinition::default()
    }
}
