//! Property test: a pair in one call leaves the same rows as its single functions.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient, Transaction};

use super::status_model::STATUS_MODEL;
use crate::common::backend::on_each_version;
use crate::common::fixtures::{PRODUCER, VERIFIER};
use crate::common::{Backend, Call, Refusal, TestContext, ask, rows};

/// Generated arguments of a recording.
#[derive(Clone, Debug)]
struct PairArguments {
    status: usize,
    evidence_type: &'static str,
    dry_run: bool,
    key: Option<String>,
    refs: [Option<String>; 3],
    evidence: Value,
}

fn pair_arguments() -> impl Strategy<Value = PairArguments> {
    // Any text that PostgreSQL can store, including blank ones.
    let text = || {
        prop_oneof![
            Just(String::new()),
            Just("\u{a0}\t".to_owned()),
            "[^\\x00]{1,40}",
            Just("x".repeat(2000)),
            Just("ß".repeat(2001))
        ]
    };
    let evidence = prop_oneof![
        Just(json!({})),
        Just(json!({"posture": "REAL_RUN", "no_execute": false, "actor": "me", "wrapper": 1})),
        Just(
            json!({"skipped": false, "wrapper_phase": "done", "requested_evidence_type": "?", "note": ["a", null]})
        ),
        Just(json!([1])),
        Just(json!("text")),
    ];
    let evidence_type = prop_oneof![4 => Just("SIMULATED_DRY_RUN"), 1 => Just("DRY_RUN"), 1 => Just("REAL_RUN"), 1 => Just("BACKFILLED_EVIDENCE"), 1 => Just("real_run")];
    (
        0..STATUS_MODEL.len(),
        evidence_type,
        any::<bool>(),
        proptest::option::of("[^\\x00]{1,30}"),
        [
            proptest::option::of(text()),
            proptest::option::of(text()),
            proptest::option::of(text()),
        ],
        evidence,
    )
        .prop_map(
            |(status, evidence_type, dry_run, key, refs, evidence)| PairArguments {
                status,
                evidence_type,
                dry_run,
                key,
                refs,
                evidence,
            },
        )
}

impl PairArguments {
    fn texts(&self, call: Call) -> Call {
        let names = ["p_input_ref", "p_output_ref", "p_error_ref"];
        names
            .iter()
            .zip(&self.refs)
            .fold(call, |call, (name, text)| match text {
                Some(text) => call.text(name, text),
                None => call,
            })
    }

    fn with_key(&self, call: Call, suffix: &str) -> Call {
        match &self.key {
            // A blank key counts as none, so no key is derived from it.
            Some(key) if !is_blank(key) => {
                call.text("p_idempotency_key", &format!("{key}{suffix}"))
            }
            Some(key) => call.text("p_idempotency_key", key),
            None => call,
        }
    }

    fn pair(&self) -> Call {
        let call = Call::pair()
            .text("p_wrapper_status", STATUS_MODEL[self.status].wrapper)
            .text("p_evidence_type", self.evidence_type)
            .with("p_dry_run", self.dry_run.to_string())
            .text("p_evidence_ref", &self.evidence.to_string());
        self.with_key(self.texts(call), "")
    }

    /// The arguments of a single function by the status model.
    fn step(&self, call: Call, status: &str) -> Call {
        let model = &STATUS_MODEL[self.status];
        let mut evidence = self.evidence.clone();
        let mut evidence_type = self.evidence_type;
        if let Some(tags) = evidence.as_object_mut() {
            for (key, value) in model.tags {
                tags.insert((*key).to_owned(), serde_json::from_str(value).unwrap());
            }
            if model.wrapper == "prepared" {
                tags.insert("requested_evidence_type".into(), json!(self.evidence_type));
            }
        }
        if model.wrapper == "prepared" && self.evidence_type != "real_run" {
            evidence_type = "SIMULATED_DRY_RUN";
        }
        self.texts(call)
            .text("p_status", status)
            .text("p_evidence_type", evidence_type)
            .text("p_evidence_ref", &evidence.to_string())
    }

    /// Records header, producer and verifier with the single functions.
    async fn record_with_single_functions(
        &self,
        client: &Transaction<'_>,
    ) -> Result<(), tokio_postgres::Error> {
        let model = &STATUS_MODEL[self.status];
        let header = self
            .with_key(self.step(Call::run(), model.header), "")
            .text("p_dot_code", PRODUCER);
        let run = ask(client, &header.sql()).await?[0]["fn_process_run_observe"]
            .as_str()
            .unwrap()
            .to_owned();
        for (dot_code, role) in [(PRODUCER, "producer"), (VERIFIER, "verifier")] {
            let component = self
                .step(Call::component(&run), model.component)
                .text("p_dot_code", dot_code)
                .text("p_component_role", role);
            ask(
                client,
                &self.with_key(component, &format!(":{dot_code}")).sql(),
            )
            .await?;
        }
        Ok(())
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// The rows of a run without ids and times, or the refusal code.
async fn stored_rows(
    client: &impl GenericClient,
    outcome: Result<(), tokio_postgres::Error>,
) -> Result<Vec<Value>, String> {
    if let Err(error) = outcome {
        return Err(Refusal::of(&error).code);
    }
    let mut left = rows(client, "SELECT 'header' AS kind, to_jsonb(r) - '{process_run_id,created_at,started_at,ended_at}'::text[] AS written FROM dot.process_run_observation r").await;
    left.extend(rows(client, "SELECT 'component' AS kind, to_jsonb(c) - '{process_run_id,component_run_id,created_at,started_at,ended_at}'::text[] AS written FROM dot.process_component_observation c ORDER BY c.component_role").await);
    left.extend(rows(client, "SELECT 'event' AS kind, to_jsonb(e) - '{event_id,event_seq,process_run_id,component_run_id,occurred_at}'::text[] #- '{payload,process_run_id}' #- '{payload,component_run_id}' AS written FROM dot.event_outbox e ORDER BY e.event_type, e.payload ->> 'dot_code'").await);
    left.extend(rows(client, "SELECT 'counts' AS kind, to_jsonb(o) - 'last_observed_at' AS written FROM dot.v_process_discovery_runtime_observed o").await);
    left.extend(rows(client, "SELECT 'rung' AS kind, to_jsonb(s) AS written FROM dot.v_process_discovery_candidate_status_v3 s").await);
    left.extend(rows(client, "SELECT 'status' AS kind, to_jsonb(s) - 'process_run_id' AS written FROM dot.v_process_dot_wrapper_status s ORDER BY s.dot_code").await);
    Ok(left)
}

async fn compare_with_single_functions(
    superuser: &mut Client,
    asked: &PairArguments,
) -> Result<(), TestCaseError> {
    let at_once = superuser.transaction().await.unwrap();
    let outcome = ask(&at_once, &asked.pair().sql()).await.map(drop);
    let at_once_left = stored_rows(&at_once, outcome).await;
    at_once.rollback().await.unwrap();
    let stepwise = superuser.transaction().await.unwrap();
    let outcome = asked.record_with_single_functions(&stepwise).await;
    let stepwise_left = stored_rows(&stepwise, outcome).await;
    stepwise.rollback().await.unwrap();
    // Only the pair function has `p_dry_run`, so only it can refuse a contradiction.
    if at_once_left == Err("dry_run_contradiction".into()) {
        prop_assert!(asked.dry_run && asked.evidence_type == "REAL_RUN");
        return Ok(());
    }
    prop_assert_eq!(at_once_left, stepwise_left);
    Ok(())
}

#[apply(on_each_version)]
async fn single_functions_store_the_same_rows_as_the_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    for event_type in [
        "process.run.started",
        "process.step.completed",
        "process.run.failed",
    ] {
        rows(&operator, &crate::events::switch(event_type, true)).await;
    }
    // The runner of the property is not async; it hands its cases to this task.
    let (cases, mut next_case) = tokio::sync::mpsc::channel::<(
        PairArguments,
        std::sync::mpsc::Sender<Result<(), TestCaseError>>,
    )>(1);
    let runner = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 96,
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&pair_arguments(), |asked| {
            let (answer, answered) = std::sync::mpsc::channel();
            cases.blocking_send((asked, answer)).unwrap();
            answered.recv().unwrap()
        });
        outcome.map_err(|failure| failure.to_string())
    });
    while let Some((asked, answer)) = next_case.recv().await {
        answer
            .send(compare_with_single_functions(&mut superuser, &asked).await)
            .unwrap();
    }
    if let Err(failure) = runner.await.unwrap() {
        panic!("{failure}");
    }
}
