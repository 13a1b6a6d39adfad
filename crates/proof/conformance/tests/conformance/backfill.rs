//! Backfilled evidence: asserted with a named source, and never counted as more than backfilled.

use futures_util::future::join_all;
use rstest_reuse::apply;
use serde_json::{Value, json};

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, LONE, PRODUCER, VERIFIER};
use crate::common::{
    Backend, Call, TestContext, code, contents, execute, literal, number, refused, row, rows,
};

/// A row with what is required, changed as the test wants it.
fn asserted(correlation_id: &str) -> Value {
    json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": correlation_id})
}

fn with(key: &str, value: Value) -> Value {
    let mut row = asserted("old");
    row[key] = value;
    row
}

#[apply(on_each_backend)]
async fn a_row_becomes_a_header_and_a_component_that_name_their_source(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = "11111111-1111-4111-8111-111111111111";
    let full = json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old", "status": "failed", "idempotency_key": "key",
        "process_run_id": run, "input_ref": "in", "output_ref": "out", "error_ref": "err", "evidence_ref": {"mine": 1},
        "started_at": "2020-01-02T03:04:05Z", "ended_at": "2020-01-02T03:04:06Z", "verdict": "pass", "host": "db1"});
    assert_eq!(
        number(&observer, &Call::backfill(&json!([full])).sql()).await,
        1
    );
    let evidence = json!({"mine": 1, "source_ref": "file:old.jsonl", "source_sha256": "a".repeat(64), "asserted_by": "tester", "asserted": {"verdict": "pass", "host": "db1"},
        "wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true});
    let header = row(
        &superuser,
        "SELECT to_jsonb(r) - 'created_at' AS row FROM dot.process_run_observation r",
    )
    .await;
    assert_eq!(
        header["row"],
        json!({"process_run_id": run, "dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "process_definition_code": null, "correlation_id": "old",
               "parent_run_id": null, "event_code": null, "status": "failed", "evidence_type": "BACKFILLED_EVIDENCE", "source_system": "dot_backfill",
               "idempotency_key": "key", "lease_name": null, "lease_token": null, "input_ref": "in", "output_ref": "out", "error_ref": "err",
               "evidence_ref": evidence, "actor": "tester", "recorded_by": "dot_observer",
               "started_at": "2020-01-02T03:04:05+00:00", "ended_at": "2020-01-02T03:04:06+00:00"})
    );
    let component = row(&superuser, "SELECT process_run_id, component_role, dot_code, status, evidence_type, verdict, invocation_id, idempotency_key, evidence_ref FROM dot.process_component_observation").await;
    assert_eq!(
        component,
        json!({"process_run_id": run, "component_role": "producer", "dot_code": PRODUCER, "status": "failed", "evidence_type": "BACKFILLED_EVIDENCE",
               "verdict": null, "invocation_id": null, "idempotency_key": format!("key:{PRODUCER}"), "evidence_ref": evidence})
    );
}

#[apply(on_each_backend)]
async fn importing_the_same_file_twice_writes_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    // With and without keys, the same line twice, and keys that are blank and so are none.
    let file = json!([
        asserted("a"),
        asserted("b"),
        asserted("b"),
        with("idempotency_key", json!("key")),
        with("idempotency_key", json!("")),
        with("idempotency_key", json!("\u{a0}")),
        with("idempotency_key", Value::Null)
    ]);
    let first = number(&observer, &Call::backfill(&file).sql()).await;
    assert_eq!(
        number(
            &superuser,
            "SELECT count(*) FROM dot.process_run_observation"
        )
        .await,
        first
    );
    let before = contents(&superuser).await;
    assert_eq!(number(&observer, &Call::backfill(&file).sql()).await, 0);
    contents(&superuser)
        .await
        .assert_same(&before, "the second import");
    // Another line in the same file is new; the same line of another file is another assertion.
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([asserted("a"), asserted("c")])).sql()
        )
        .await,
        1
    );
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([asserted("a")]))
                .text("p_source_sha256", &"b".repeat(64))
                .sql()
        )
        .await,
        1
    );
}

#[apply(on_each_backend)]
async fn reused_backfill_key_with_other_content_is_a_conflict(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let keyed = with("idempotency_key", json!("key"));
    rows(&observer, &Call::backfill(&json!([keyed])).sql()).await;
    rows(
        &observer,
        &Call::pair().text("p_idempotency_key", "simulated").sql(),
    )
    .await;
    let before = contents(&superuser).await;
    for (key, value) in [
        ("correlation_id", json!("another")),
        ("process_candidate_code", json!("another")),
        ("dot_code", json!(LONE)),
        ("idempotency_key", json!("simulated")),
    ] {
        let mut other = keyed.clone();
        other[key] = value;
        assert_eq!(
            code(
                &observer,
                &Call::backfill(&json!([asserted("new"), other])).sql()
            )
            .await,
            "idempotency_conflict",
            "{key}"
        );
    }
    assert_eq!(
        code(
            &observer,
            &Call::pair()
                .text("p_idempotency_key", "key")
                .text("p_correlation_id", "old")
                .sql()
        )
        .await,
        "idempotency_conflict"
    );
    contents(&superuser)
        .await
        .assert_same(&before, "a conflict");
}

#[apply(on_each_version)]
async fn blocking_check_refuses_new_rows_and_returns_existing_ones(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let file = Call::backfill(&json!([asserted("old")])).sql();
    assert_eq!(number(&observer, &file).await, 1);
    execute(
        &superuser,
        "UPDATE dot.dot_preflight_check SET enabled = false",
    )
    .await;
    assert_eq!(number(&observer, &file).await, 0, "it is there already");
    let nothing = Call::backfill(&json!([])).sql();
    assert_eq!(number(&observer, &nothing).await, 0);
    for (row, expected) in [
        (asserted("new"), "preflight_blocked"),
        (json!(3), "backfill_row_invalid"),
        (with("dot_code", json!("DOT_UNKNOWN")), "unknown_dot"),
    ] {
        let call = Call::backfill(&json!([row])).sql();
        assert_eq!(code(&observer, &call).await, expected);
    }
}

#[apply(on_each_backend)]
async fn concurrent_imports_of_one_file_write_once(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let clients = stage.clients("observer", 16).await;
    let file: Vec<Value> = (0..5)
        .map(|number| asserted(&format!("row {number}")))
        .collect();
    let call = Call::backfill(&json!(file)).sql();
    let written = join_all(clients.iter().map(|client| number(client, &call))).await;
    assert_eq!(written.iter().sum::<i64>(), 5, "{written:?}");
    let counts = row(&clients[0], "SELECT run_count, backfilled_count, component_count FROM dot.v_process_discovery_runtime_observed").await;
    assert_eq!(
        counts,
        json!({"run_count": 5, "backfilled_count": 5, "component_count": 5})
    );
}

/// A wrong row each, and its refusal.
fn wrong_rows() -> Vec<(Value, &'static str)> {
    vec![
        (json!(1), "backfill_row_invalid"),
        (json!(null), "backfill_row_invalid"),
        (json!([]), "backfill_row_invalid"),
        (
            with("process_run_id", json!("no uuid")),
            "backfill_row_invalid",
        ),
        (
            with("started_at", json!("yesterday-ish")),
            "backfill_row_invalid",
        ),
        (
            with("ended_at", json!("2026-13-01")),
            "backfill_row_invalid",
        ),
        (
            with("status", json!("step_completed")),
            "backfill_row_invalid",
        ),
        (with("status", json!("verified")), "backfill_row_invalid"),
        (with("status", json!("")), "backfill_row_invalid"),
        (
            with("process_candidate_code", json!({})),
            "backfill_row_invalid",
        ),
        (with("correlation_id", json!(7)), "backfill_row_invalid"),
        (
            with("started_at", json!("-infinity")),
            "backfill_row_invalid",
        ),
        (
            with("ended_at", json!("10000-01-01")),
            "backfill_row_invalid",
        ),
        (
            json!({"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "c",
                "started_at": "2026-01-02T00:00:00Z", "ended_at": "2026-01-01T00:00:00Z"}),
            "time_invalid",
        ),
        (
            with("started_at", json!("9000-01-01T00:00:00Z")),
            "time_invalid",
        ),
        (
            with("ended_at", json!("9000-01-01T00:00:00Z")),
            "time_invalid",
        ),
        (with("idempotency_key", json!("request:1")), "key_reserved"),
        (with("evidence_ref", json!([1])), "backfill_row_invalid"),
        (with("evidence_ref", json!("text")), "backfill_row_invalid"),
        (
            with("evidence_type", json!("REAL_RUN")),
            "backfill_row_invalid",
        ),
        (
            with("evidence_type", json!("SIMULATED_DRY_RUN")),
            "backfill_row_invalid",
        ),
        (with("dot_code", json!("DOT_NOWHERE")), "unknown_dot"),
        (with("dot_code", Value::Null), "unknown_dot"),
        (with("dot_code", json!("")), "unknown_dot"),
        (with("correlation_id", Value::Null), "correlation_required"),
        (
            with("correlation_id", json!("\u{3000}")),
            "correlation_required",
        ),
        (
            with("process_candidate_code", Value::Null),
            "candidate_required",
        ),
        (
            with("process_candidate_code", json!("c".repeat(201))),
            "text_too_long",
        ),
        (
            with("idempotency_key", json!("k".repeat(501))),
            "text_too_long",
        ),
        (with("output_ref", json!("o".repeat(2001))), "text_too_long"),
        (
            with("evidence_ref", json!({"x": "y".repeat(66_000)})),
            "evidence_ref_invalid",
        ),
        (
            with("host", json!("h".repeat(66_000))),
            "evidence_ref_invalid",
        ),
    ]
}

#[apply(on_each_version)]
async fn one_wrong_row_refuses_the_whole_import(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for (wrong, expected) in wrong_rows() {
        let refusal = refused(
            &observer,
            &Call::backfill(&json!([asserted("good"), wrong])).sql(),
        )
        .await;
        let said: String = wrong.to_string().chars().take(200).collect();
        assert_eq!(refusal.code, expected, "{said}");
        if expected == "backfill_row_invalid" {
            assert_eq!(refusal.detail["row"], 2, "{said}");
        }
    }
    for wrong in ["NULL", "'{}'::jsonb", "'null'::jsonb", "'1'::jsonb"] {
        assert_eq!(
            code(
                &observer,
                &Call::backfill(&json!([])).with("p_rows", wrong).sql()
            )
            .await,
            "backfill_row_invalid",
            "{wrong}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused backfill");
}

#[apply(on_each_version)]
async fn the_source_has_a_name_and_a_digest(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let good = Call::backfill(&json!([asserted("a")]));
    for wrong in [
        good.clone().with("p_source_ref", "NULL"),
        good.clone().text("p_source_ref", "\u{2003}"),
        good.clone().with("p_source_sha256", "NULL"),
        good.clone().text("p_source_sha256", ""),
        good.clone().text("p_source_sha256", &"A".repeat(64)),
        good.clone().text("p_source_sha256", &"a".repeat(63)),
        good.clone()
            .text("p_source_sha256", &format!("{}\n", "a".repeat(64))),
        good.clone().text("p_source_sha256", &"g".repeat(64)),
    ] {
        assert_eq!(
            code(&observer, &wrong.sql()).await,
            "source_required",
            "{}",
            wrong.sql()
        );
    }
}

#[apply(on_each_backend)]
async fn only_backfill_records_backfilled_evidence(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = crate::common::text(&observer, &Call::run().sql()).await;
    let before = contents(&superuser).await;
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        assert_eq!(
            code(
                &observer,
                &call.text("p_evidence_type", "BACKFILLED_EVIDENCE").sql()
            )
            .await,
            "backfill_only"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a claim of backfilled evidence");
}

#[apply(on_each_backend)]
async fn statuses_are_mapped_as_for_every_other_run(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for (status, component) in [
        ("observed", "observed"),
        ("started", "step_started"),
        ("completed", "step_completed"),
        ("failed", "failed"),
        ("stuck", "stuck"),
        ("cancelled", "cancelled"),
        ("orphan", "orphan"),
    ] {
        let mut entry = asserted(status);
        entry["status"] = json!(status);
        rows(&observer, &Call::backfill(&json!([entry])).sql()).await;
        let stored = row(&observer, &format!("SELECT status, producer_status FROM dot.v_process_run WHERE correlation_id = '{status}'")).await;
        assert_eq!(
            stored,
            json!({"status": status, "producer_status": component})
        );
    }
    rows(
        &observer,
        &Call::backfill(&json!([asserted("silent")])).sql(),
    )
    .await;
    assert_eq!(
        row(
            &observer,
            "SELECT status FROM dot.v_process_run WHERE correlation_id = 'silent'"
        )
        .await["status"],
        "completed"
    );
}

#[apply(on_each_backend)]
async fn a_verifier_and_a_lone_dot_are_recorded_in_their_places(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    rows(
        &observer,
        &Call::backfill(&json!([
            with("dot_code", json!(VERIFIER)),
            with("dot_code", json!(LONE))
        ]))
        .sql(),
    )
    .await;
    let runs = rows(&observer, "SELECT dot_code, producer_dot_code, verifier_dot_code FROM dot.v_process_run ORDER BY dot_code").await;
    assert_eq!(
        runs,
        [
            json!({"dot_code": PRODUCER, "producer_dot_code": null, "verifier_dot_code": VERIFIER}),
            json!({"dot_code": LONE, "producer_dot_code": LONE, "verifier_dot_code": null}),
        ]
    );
}

#[apply(on_each_backend)]
async fn a_caller_can_not_name_another_source_or_asserter(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let lying = with(
        "evidence_ref",
        json!({"asserted_by": "the auditor", "source_ref": "s3:real", "source_sha256": "f".repeat(64), "no_execute": false, "posture": "REAL_RUN"}),
    );
    rows(&observer, &Call::backfill(&json!([lying])).sql()).await;
    let stored = rows(&observer, "SELECT evidence_ref FROM dot.v_process_run UNION ALL SELECT evidence_ref FROM dot.v_process_component").await;
    let honest = json!({"evidence_ref": {"asserted_by": "tester", "source_ref": "file:old.jsonl", "source_sha256": "a".repeat(64), "no_execute": true, "posture": "NO_EXECUTE",
        "wrapper": "dot_exec_wrapper", "actor": "tester"}});
    assert_eq!(stored, vec![honest; 2]);
}

#[apply(on_each_version)]
async fn a_minted_id_of_another_run_is_in_use(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let run = crate::common::text(&observer, &Call::run().sql()).await;
    assert_eq!(
        code(
            &observer,
            &Call::backfill(&json!([with("process_run_id", json!(run))])).sql()
        )
        .await,
        "id_in_use"
    );
}

#[apply(on_each_version)]
async fn a_large_file_is_one_call(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let generated = format!(
        "(SELECT jsonb_agg(jsonb_build_object('dot_code', {}, 'process_candidate_code', {}, 'correlation_id', 'row ' || n)) FROM generate_series(1, 500) n)",
        literal(PRODUCER),
        literal(CANDIDATE)
    );
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([]))
                .with("p_rows", generated.clone())
                .sql()
        )
        .await,
        500
    );
    assert_eq!(
        number(
            &observer,
            &Call::backfill(&json!([])).with("p_rows", generated).sql()
        )
        .await,
        0
    );
}

/// A first import of a file does not block the import of another login, and is recorded separately.
#[apply(on_each_version)]
async fn backfill_of_the_same_file_by_two_logins_writes_two_assertions(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (first, second) = (stage.client("observer").await, stage.client("runner").await);
    let file = json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": "old", "status": "completed"}]);
    let call = Call::backfill(&file).sql();
    for expected in [1, 0] {
        for client in [&first, &second] {
            assert_eq!(
                number(client, &format!("SELECT count FROM ({call}) AS x (count)")).await,
                expected
            );
        }
    }
    let logins = "SELECT count(DISTINCT recorded_by) FROM dot.process_run_observation WHERE evidence_type = 'BACKFILLED_EVIDENCE'";
    assert_eq!(number(&stage.superuser().await, logins).await, 2);
}
