//! A whole pair in one call, and the same step by step.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::{Client, GenericClient, Transaction};
use uuid::Uuid;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, CORRELATION, LONE, PRODUCER, VERIFIER};
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, code, contents, execute, row, rows, text,
};
use crate::idempotency::component_with_key;

/// One row of the seed's status model.
struct StatusRow {
    wrapper: &'static str,
    header: &'static str,
    component: &'static str,
    tags: &'static [(&'static str, &'static str)],
}

/// The seed's status model, word for word. 'blocked' is the sixth: nothing is inserted.
const STATUS_MODEL: [StatusRow; 5] = [
    StatusRow {
        wrapper: "prepared",
        header: "observed",
        component: "observed",
        tags: &[
            ("wrapper_phase", "\"prepared\""),
            ("requested_evidence_type", "\"SIMULATED_DRY_RUN\""),
        ],
    },
    StatusRow {
        wrapper: "started",
        header: "started",
        component: "step_started",
        tags: &[],
    },
    StatusRow {
        wrapper: "completed",
        header: "completed",
        component: "step_completed",
        tags: &[],
    },
    StatusRow {
        wrapper: "failed",
        header: "failed",
        component: "failed",
        tags: &[],
    },
    StatusRow {
        wrapper: "skipped",
        header: "cancelled",
        component: "cancelled",
        tags: &[("skipped", "true")],
    },
];

/// The wrapper's own tags and those of this status.
fn expected_evidence(tags: &[(&str, &str)]) -> Value {
    let mut evidence = json!({"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true});
    for (key, value) in tags {
        evidence[key] = serde_json::from_str(value).unwrap();
    }
    evidence
}

#[apply(on_each_backend)]
async fn the_status_model_holds_row_by_row_through_the_pair(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for expected in STATUS_MODEL {
        let call = Call::pair()
            .text("p_wrapper_status", expected.wrapper)
            .text("p_correlation_id", expected.wrapper)
            .text("p_error_ref", "log:1");
        let returned = row(&observer, &call.sql()).await;
        assert_eq!(
            (
                &returned["status"],
                &returned["evidence_type"],
                &returned["created"]
            ),
            (
                &json!(expected.header),
                &json!("SIMULATED_DRY_RUN"),
                &json!(true)
            )
        );
        let evidence = expected_evidence(expected.tags);
        let header = row(&observer, &format!("SELECT status, evidence_type, evidence_ref, error_ref FROM dot.v_process_run WHERE correlation_id = '{}'", expected.wrapper)).await;
        assert_eq!(
            header,
            json!({"status": expected.header, "evidence_type": "SIMULATED_DRY_RUN", "evidence_ref": evidence, "error_ref": "log:1"})
        );
        let components = rows(&observer, &format!("SELECT component_role, status, evidence_type, evidence_ref FROM dot.v_process_component WHERE correlation_id = '{}' ORDER BY component_role", expected.wrapper)).await;
        let component = |role: &str| json!({"component_role": role, "status": expected.component, "evidence_type": "SIMULATED_DRY_RUN", "evidence_ref": evidence});
        assert_eq!(
            components,
            [component("producer"), component("verifier")],
            "{}",
            expected.wrapper
        );
    }
}

#[apply(on_each_backend)]
async fn blocked_is_never_stored(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let before = contents(&superuser).await;
    assert_eq!(
        code(
            &observer,
            &Call::pair().text("p_wrapper_status", "blocked").sql()
        )
        .await,
        "status_invalid"
    );
    for call in [
        Call::run(),
        Call::component("00000000-0000-7000-8000-000000000000"),
    ] {
        for status in ["blocked", "prepared", "skipped"] {
            assert_eq!(
                code(&observer, &call.clone().text("p_status", status).sql()).await,
                "status_invalid",
                "{status}"
            );
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a blocked call");
}

#[apply(on_each_backend)]
async fn prepared_is_stored_as_simulated_with_the_requested_status(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for asked in ["SIMULATED_DRY_RUN", "DRY_RUN", "REAL_RUN"] {
        let call = Call::pair()
            .text("p_wrapper_status", "prepared")
            .text("p_evidence_type", asked)
            .with("p_dry_run", "false")
            .text("p_correlation_id", asked);
        assert_eq!(
            row(&observer, &call.sql()).await["evidence_type"],
            "SIMULATED_DRY_RUN"
        );
        let kept = rows(&observer, &format!("SELECT evidence_type, evidence_ref ->> 'requested_evidence_type' AS asked, evidence_ref ->> 'wrapper_phase' AS phase FROM dot.v_process_component WHERE correlation_id = '{asked}' UNION ALL SELECT evidence_type, evidence_ref ->> 'requested_evidence_type', evidence_ref ->> 'wrapper_phase' FROM dot.v_process_run WHERE correlation_id = '{asked}'")).await;
        assert_eq!(
            kept,
            vec![
                json!({"evidence_type": "SIMULATED_DRY_RUN", "asked": asked, "phase": "prepared"});
                3
            ]
        );
    }
    assert!(rows(&observer, "SELECT 1 FROM dot.v_process_discovery_runtime_observed WHERE real_run_count + dry_run_count > 0").await.is_empty());
}

#[apply(on_each_backend)]
async fn the_pair_is_one_header_and_two_components_that_share_everything(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let (run, parent) = (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-4222-8222-222222222222",
    );
    let call = Call::pair()
        .text("p_idempotency_key", "key")
        .text("p_process_run_id", run)
        .text("p_parent_run_id", parent)
        .text("p_input_ref", "in")
        .text("p_output_ref", "out")
        .text("p_error_ref", "err")
        .text("p_evidence_ref", r#"{"mine": true}"#);
    let returned = row(&observer, &call.sql()).await;
    let (producer, verifier) = (
        returned["producer_component_run_id"].as_str().unwrap(),
        returned["verifier_component_run_id"].as_str().unwrap(),
    );
    for id in [producer, verifier] {
        assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 7);
    }
    assert_ne!(producer, verifier);
    assert_eq!(
        returned,
        json!({"process_run_id": run, "producer_component_run_id": producer, "verifier_component_run_id": verifier, "status": "completed",
               "evidence_type": "SIMULATED_DRY_RUN", "created": true, "events_emitted": 0, "output_ref": "out", "error_ref": "err"})
    );
    let common = "process_candidate_code, correlation_id, parent_run_id, source_system, input_ref, output_ref, error_ref, evidence_ref ->> 'mine' AS mine, actor, recorded_by";
    let shared = json!({"process_candidate_code": CANDIDATE, "correlation_id": CORRELATION, "parent_run_id": parent, "source_system": "dot_exec_wrapper",
        "input_ref": "in", "output_ref": "out", "error_ref": "err", "mine": "true", "actor": "tester", "recorded_by": "dot_observer"});
    let everywhere = rows(&superuser, &format!("SELECT {common} FROM dot.process_run_observation UNION ALL SELECT {common} FROM dot.process_component_observation")).await;
    assert_eq!(everywhere, vec![shared; 3]);
    let keys = rows(&superuser, "SELECT idempotency_key, dot_code, component_run_id AS id FROM dot.process_component_observation UNION ALL SELECT idempotency_key, dot_code, process_run_id FROM dot.process_run_observation ORDER BY 1").await;
    assert_eq!(
        keys,
        [
            json!({"idempotency_key": "key", "dot_code": PRODUCER, "id": run}),
            json!({"idempotency_key": format!("key:{PRODUCER}"), "dot_code": PRODUCER, "id": producer}),
            json!({"idempotency_key": format!("key:{VERIFIER}"), "dot_code": VERIFIER, "id": verifier}),
        ]
    );
    assert!(
        rows(&superuser, "SELECT 1 FROM dot.process_run_conclusion")
            .await
            .is_empty(),
        "recorded without execution: no conclusion"
    );
}

#[apply(on_each_backend)]
async fn ids_are_minted_in_the_order_of_time_and_never_twice(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let returned = row(
            &observer,
            &Call::pair()
                .text("p_correlation_id", &number.to_string())
                .sql(),
        )
        .await;
        for id in [
            "process_run_id",
            "producer_component_run_id",
            "verifier_component_run_id",
        ] {
            ids.push(Uuid::parse_str(returned[id].as_str().unwrap()).unwrap());
        }
        rows(&observer, "SELECT pg_sleep(0.002)").await;
    }
    let runs: Vec<_> = ids.iter().step_by(3).copied().collect();
    assert!(runs.is_sorted(), "{runs:?}");
    assert!(
        ids.iter()
            .all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122)
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 60);
}

#[apply(on_each_backend)]
async fn a_missing_row_fails_the_whole_call(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    // The verifier's derived key is taken: the header and the producer were written before that is seen.
    let run = text(&observer, &Call::run().sql()).await;
    execute(
        &superuser,
        &component_with_key(&run, VERIFIER, "verifier", &format!("key:{VERIFIER}")),
    )
    .await;
    let before = contents(&superuser).await;
    assert_eq!(
        code(
            &observer,
            &Call::pair().text("p_idempotency_key", "key").sql()
        )
        .await,
        "idempotency_conflict"
    );
    contents(&superuser)
        .await
        .assert_same(&before, "the half-written pair");
}

// The pair against the single functions.

/// What a caller may ask of a recording.
#[derive(Clone, Debug)]
struct Asked {
    status: usize,
    evidence_type: &'static str,
    dry_run: bool,
    key: Option<String>,
    refs: [Option<String>; 3],
    evidence: Value,
}

fn asked() -> impl Strategy<Value = Asked> {
    // Any text that PostgreSQL can hold, blank ones among them.
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
            |(status, evidence_type, dry_run, key, refs, evidence)| Asked {
                status,
                evidence_type,
                dry_run,
                key,
                refs,
                evidence,
            },
        )
}

impl Asked {
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
            // A blank key is none: nothing is derived from it.
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

    /// What the seed's status model makes of it, for the single functions.
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

    /// Header, producer, verifier, as a caller does it that orchestrates by itself.
    async fn step_by_step(&self, client: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
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

/// Everything that a run left, but for ids and times; or the code of the refusal.
async fn left_behind(
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

async fn both_ways(superuser: &mut Client, asked: &Asked) -> Result<(), TestCaseError> {
    let at_once = superuser.transaction().await.unwrap();
    let outcome = ask(&at_once, &asked.pair().sql()).await.map(drop);
    let at_once_left = left_behind(&at_once, outcome).await;
    at_once.rollback().await.unwrap();
    let stepwise = superuser.transaction().await.unwrap();
    let outcome = asked.step_by_step(&stepwise).await;
    let stepwise_left = left_behind(&stepwise, outcome).await;
    stepwise.rollback().await.unwrap();
    // What only the pair is asked: its own contradiction, which the single functions can not have.
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
        Asked,
        std::sync::mpsc::Sender<Result<(), TestCaseError>>,
    )>(1);
    let runner = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 96,
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&asked(), |asked| {
            let (answer, answered) = std::sync::mpsc::channel();
            cases.blocking_send((asked, answer)).unwrap();
            answered.recv().unwrap()
        });
        outcome.map_err(|failure| failure.to_string())
    });
    while let Some((asked, answer)) = next_case.recv().await {
        answer
            .send(both_ways(&mut superuser, &asked).await)
            .unwrap();
    }
    if let Err(failure) = runner.await.unwrap() {
        panic!("{failure}");
    }
}

#[apply(on_each_backend)]
async fn many_pairs_at_once_are_all_recorded_and_counted(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let record = clients
        .iter()
        .enumerate()
        .map(|(number, client)| async move {
            for round in 0..5 {
                let dot_code = if number % 2 == 0 {
                    PRODUCER
                } else {
                    "DOT_COPY"
                };
                // Two candidates in turn: one pair is evidence for several processes.
                let candidate = if round % 2 == 0 { "even" } else { "odd" };
                let call = Call::pair()
                    .text("p_dot_code", dot_code)
                    .text("p_process_candidate_code", candidate)
                    .text("p_correlation_id", &format!("{number}-{round}"))
                    .sql();
                assert_eq!(row(client, &call).await["created"], true);
            }
        });
    futures_util::future::join_all(record).await;
    let counts = rows(&clients[0], "SELECT process_candidate_code, run_count, simulated_count, component_count, real_run_count FROM dot.v_process_discovery_runtime_observed ORDER BY 1").await;
    let count = |candidate: &str, runs: i64| json!({"process_candidate_code": candidate, "run_count": runs, "simulated_count": runs, "component_count": 2 * runs, "real_run_count": 0});
    assert_eq!(counts, [count("even", 48), count("odd", 32)]);
    let whole = row(&clients[0], "SELECT count(*) AS runs, count(DISTINCT correlation_id) AS correlations, bool_and(producer_component_run_id IS NOT NULL AND verifier_component_run_id IS NOT NULL) AS whole FROM dot.v_process_run").await;
    assert_eq!(
        whole,
        json!({"runs": 80, "correlations": 80, "whole": true})
    );
}

#[apply(on_each_backend)]
async fn many_single_recordings_at_once_are_all_counted(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 12).await;
    let record = clients
        .iter()
        .enumerate()
        .map(|(number, client)| async move {
            let run = text(
                client,
                &Call::run()
                    .text("p_dot_code", PRODUCER)
                    .text("p_correlation_id", &number.to_string())
                    .sql(),
            )
            .await;
            for (dot_code, role) in [(PRODUCER, "producer"), (VERIFIER, "verifier")] {
                rows(
                    client,
                    &Call::component(&run)
                        .text("p_dot_code", dot_code)
                        .text("p_component_role", role)
                        .text("p_correlation_id", &number.to_string())
                        .sql(),
                )
                .await;
            }
        });
    futures_util::future::join_all(record).await;
    let counts = row(&clients[0], "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 12, "simulated_count": 12, "component_count": 24})
    );
}

#[apply(on_each_version)]
async fn history_survives_pair_change(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, observer) = (stage.superuser().await, stage.client("observer").await);
    rows(&observer, &Call::pair().sql()).await;
    let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let side = |dot_code: &str, role: &str| {
        Call::component(&run)
            .text("p_dot_code", dot_code)
            .text("p_component_role", role)
            .sql()
    };
    rows(&observer, &side(VERIFIER, "verifier")).await;
    execute(
        &superuser,
        &format!(
            "BEGIN; UPDATE dot.dot_tools SET paired_dot = NULL, pair_role = NULL WHERE dot_code = '{VERIFIER}';
             UPDATE dot.dot_tools SET paired_dot = '{LONE}' WHERE dot_code = '{PRODUCER}';
             UPDATE dot.dot_tools SET paired_dot = '{PRODUCER}', pair_role = 'verifier' WHERE dot_code = '{LONE}'; COMMIT"
        ),
    )
    .await;
    let observed = "SELECT dot_code, has_observation, process_run_id IS NOT NULL AS has_run FROM dot.v_process_dot_wrapper_status
                    WHERE has_observation ORDER BY dot_code";
    let seen =
        |dot_code: &str| json!({"dot_code": dot_code, "has_observation": true, "has_run": true});
    assert_eq!(
        rows(&observer, observed).await,
        [seen(PRODUCER), seen(VERIFIER)]
    );
    // The new verifier is counted beside the old one, whichever way it is recorded.
    rows(&observer, &Call::pair().sql()).await;
    let second = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
    let lone = Call::component(&second)
        .text("p_dot_code", LONE)
        .text("p_component_role", "verifier");
    rows(&observer, &lone.sql()).await;
    assert_eq!(
        rows(&observer, observed).await,
        [seen(PRODUCER), seen(VERIFIER), seen(LONE)]
    );
    let counts = row(&observer, "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 4, "simulated_count": 4, "component_count": 6})
    );
}

#[apply(on_each_backend)]
async fn both_sides_of_a_run_recorded_at_once_count_as_one_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 2).await;
    for _ in 0..10 {
        let run = text(&clients[0], &Call::run().text("p_dot_code", PRODUCER).sql()).await;
        let producer = Call::component(&run).sql();
        let verifier = Call::component(&run)
            .text("p_dot_code", VERIFIER)
            .text("p_component_role", "verifier")
            .sql();
        tokio::join!(rows(&clients[0], &producer), rows(&clients[1], &verifier));
    }
    let counts = row(&clients[0], "SELECT run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 10, "simulated_count": 10, "component_count": 20})
    );
}
