//! The ways to record a run that are measured side by side.

use dotwrap_bench::{Failure, measure::Contend};
use futures_util::try_join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::bed::Bed;

/// How many ways there are.
pub(crate) const WAYS: usize = 4;

/// A way to record one run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// One transaction that only makes the three inserts, in one flight: the least that recording a run could cost.
    ThreeInserts,
    /// The same transaction as most clients send it: five statements, each waiting for the one before.
    FiveTrips,
    /// `fn_process_pair_observe`.
    OneCall,
    /// Posture, preflight, lease, header, producer, verifier and release as calls of their own.
    StepByStep,
}

impl Way {
    pub(crate) const ALL: [Self; WAYS] = [
        Self::ThreeInserts,
        Self::FiveTrips,
        Self::OneCall,
        Self::StepByStep,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ThreeInserts => "three bare inserts, in one flight",
            Self::FiveTrips => "three bare inserts, 5 round trips",
            Self::OneCall => "the pair in one call",
            Self::StepByStep => "step by step, 7 calls",
        }
    }
}

/// One connection with a pair of its own, and the statements of its way prepared.
pub(crate) struct Contender {
    client: Client,
    way: Way,
    producer: String,
    verifier: String,
    candidate: String,
    statements: Vec<Statement>,
}

impl Contender {
    pub(crate) async fn new(
        bed: &Bed,
        way: Way,
        pair: usize,
        candidate: &str,
    ) -> Result<Self, Failure> {
        let client = if matches!(way, Way::ThreeInserts | Way::FiveTrips) {
            bed.superuser().await?
        } else {
            bed.caller().await?
        };
        let mut statements = Vec::new();
        for text in texts(way) {
            statements.push(client.prepare(text).await?);
        }
        let (producer, verifier) = (format!("P{pair}"), format!("P{pair}_V"));
        Ok(Self {
            client,
            way,
            producer,
            verifier,
            candidate: candidate.to_owned(),
            statements,
        })
    }

    async fn three_inserts(&self, run: Uuid, correlation: &str) -> Result<(), Failure> {
        let [header, component] = &self.statements[..] else {
            return Err("two statements are prepared".into());
        };
        let (producer_run, verifier_run, producer, verifier) =
            (Uuid::now_v7(), Uuid::now_v7(), "producer", "verifier");
        let header_values: [&(dyn ToSql + Sync); 4] =
            [&run, &self.producer, &self.candidate, &correlation];
        let producer_values: [&(dyn ToSql + Sync); 6] = [
            &producer_run,
            &run,
            &producer,
            &self.producer,
            &self.candidate,
            &correlation,
        ];
        let verifier_values: [&(dyn ToSql + Sync); 6] = [
            &verifier_run,
            &run,
            &verifier,
            &self.verifier,
            &self.candidate,
            &correlation,
        ];
        let begin = self.client.batch_execute("BEGIN");
        let header = self.client.execute(header, &header_values);
        let producer = self.client.execute(component, &producer_values);
        let verifier = self.client.execute(component, &verifier_values);
        let commit = self.client.batch_execute("COMMIT");
        if self.way == Way::ThreeInserts {
            // Polled together, they are on their way before the first answer is back.
            try_join!(begin, header, producer, verifier, commit)?;
        } else {
            begin.await?;
            header.await?;
            producer.await?;
            verifier.await?;
            commit.await?;
        }
        Ok(())
    }

    async fn one_call(&self, run: Uuid, correlation: &str) -> Result<(), Failure> {
        self.client
            .query_one(
                &self.statements[0],
                &[&self.producer, &self.candidate, &correlation, &run],
            )
            .await?;
        Ok(())
    }

    async fn step_by_step(&self, run: Uuid, correlation: &str) -> Result<(), Failure> {
        let [posture, preflight, acquire, header, component, release] = &self.statements[..] else {
            return Err("six statements are prepared".into());
        };
        let lease = format!("dot_exec:{}", self.producer);
        self.client.query_one(posture, &[]).await?;
        self.client.query_one(preflight, &[]).await?;
        let token: Option<Uuid> = self.client.query_one(acquire, &[&lease]).await?.get(0);
        self.client
            .query_one(
                header,
                &[&self.candidate, &correlation, &run, &self.producer],
            )
            .await?;
        self.client
            .query_one(
                component,
                &[&run, &self.producer, &"producer", &correlation],
            )
            .await?;
        self.client
            .query_one(
                component,
                &[&run, &self.verifier, &"verifier", &correlation],
            )
            .await?;
        self.client.query_one(release, &[&lease, &token]).await?;
        Ok(())
    }
}

impl Contend for Contender {
    /// Records one run. Ids and correlation are minted here and are time-ordered, as a client of the product does it.
    async fn run_once(&self) -> Result<(), Failure> {
        let run = Uuid::now_v7();
        let correlation = format!("bench-{run}");
        match self.way {
            Way::ThreeInserts | Way::FiveTrips => self.three_inserts(run, &correlation).await,
            Way::OneCall => self.one_call(run, &correlation).await,
            Way::StepByStep => self.step_by_step(run, &correlation).await,
        }
    }
}

fn texts(way: Way) -> &'static [&'static str] {
    match way {
        Way::ThreeInserts | Way::FiveTrips => &[
            "INSERT INTO dot.process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status, evidence_type,
               source_system, evidence_ref, actor, started_at, ended_at)
             VALUES ($1, $2, $3, $4, 'completed', 'SIMULATED_DRY_RUN', 'dot_exec_wrapper',
               '{\"actor\": \"bench\", \"posture\": \"NO_EXECUTE\", \"wrapper\": \"dot_exec_wrapper\", \"no_execute\": true}', 'bench',
               clock_timestamp(), clock_timestamp())",
            "INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, dot_code, process_candidate_code,
               correlation_id, status, evidence_type, source_system, evidence_ref, actor, started_at, ended_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'step_completed', 'SIMULATED_DRY_RUN', 'dot_exec_wrapper',
               '{\"actor\": \"bench\", \"posture\": \"NO_EXECUTE\", \"wrapper\": \"dot_exec_wrapper\", \"no_execute\": true}', 'bench',
               clock_timestamp(), clock_timestamp())",
        ],
        Way::OneCall => &["SELECT * FROM dot.fn_process_pair_observe($1, $2, $3, 'bench', p_process_run_id => $4)"],
        Way::StepByStep => &[
            "SELECT dot.fn_process_dot_posture()",
            "SELECT dot.fn_assert_safe_for_dot_action()",
            "SELECT dot.fn_dot_iu_runtime_lease_acquire($1, 'bench', 60)",
            "SELECT dot.fn_process_run_observe($1, $2, 'bench', p_status => 'completed', p_process_run_id => $3, p_dot_code => $4)",
            "SELECT dot.fn_process_component_observe($1, $2, $3, $4, 'bench', p_status => 'step_completed')",
            "SELECT dot.fn_dot_iu_runtime_lease_release($1, 'bench', $2)",
        ],
    }
}
