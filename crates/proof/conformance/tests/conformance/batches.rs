//! Invalid batches are refused with a code that names the entry.

use rstest_reuse::apply;
use serde_json::{Value, json};

use crate::common::backend::on_each_version;
use crate::common::fixtures::{CANDIDATE, CORRELATION, PRODUCER};
use crate::common::run_calls::ready;
use crate::common::{Backend, contents, literal, number, refused, rows};

const FUNCTIONS: [&str; 3] = [
    "fn_process_run_begin_batch",
    "fn_process_run_record_producer_batch",
    "fn_process_run_record_verifier_and_conclude_batch",
];

fn batch(function: &str, calls: &str) -> String {
    format!("SELECT * FROM dot.{function}({calls})")
}

fn entry(member: &str, value: &Value) -> Value {
    let mut entry = json!({"dot_code": PRODUCER, "run_dot_code": PRODUCER, "process_candidate_code": CANDIDATE,
        "correlation_id": CORRELATION, "actor": "a", "mode": "REAL_RUN", "runner": "r", "evidence_ref": {}});
    entry[member] = value.clone();
    entry
}

#[apply(on_each_version)]
async fn a_batch_is_an_array_of_a_thousand_objects_at_most(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    let many = |calls: usize| json!(vec![json!({"dot_code": "DOT_NO"}); calls]).to_string();
    for function in FUNCTIONS {
        for calls in [
            "{}",
            "1",
            "\"x\"",
            "null",
            "[1]",
            "[{}, []]",
            "[null]",
            &many(1001),
            &many(20_000),
        ] {
            let refusal = refused(&runner, &batch(function, &literal(calls))).await;
            assert_eq!(
                refusal.code,
                "batch_invalid",
                "{}",
                &calls[..calls.len().min(80)]
            );
        }
        let refusal = refused(&runner, &batch(function, "NULL")).await;
        assert_eq!(refusal.code, "batch_invalid");
        for calls in ["[]", "[{}]", &many(1000)] {
            assert!(
                rows(&runner, &batch(function, &literal(calls)))
                    .await
                    .is_empty()
            );
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "what is no batch");
}

#[apply(on_each_version)]
async fn an_entry_with_a_wrongly_typed_member_is_named(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    let mut wrong = vec![
        ("lease_ttl_seconds", json!("soon")),
        ("lease_ttl_seconds", json!(1e12)),
    ];
    for id in [
        "process_run_id",
        "parent_run_id",
        "invocation_id",
        "lease_token",
        "component_run_id",
    ] {
        wrong.extend([
            (id, json!("x")),
            (id, json!(7)),
            (id, json!({})),
            (id, json!("")),
        ]);
    }
    for time in ["started_at", "ended_at"] {
        for vague in [
            json!("01/02/2024"),
            json!("yesterday"),
            json!("2024-02-30T00:00:00Z"),
            json!(20_240_201),
            json!([]),
        ] {
            wrong.push((time, vague));
        }
    }
    for function in FUNCTIONS {
        for (member, value) in &wrong {
            let calls = json!([entry("actor", &json!("a")), entry(member, value)]);
            let refusal = refused(&runner, &batch(function, &literal(&calls.to_string()))).await;
            assert_eq!(refusal.code, "batch_invalid", "{member}: {value}");
            assert_eq!(refusal.detail["call"], 2, "{member}: {value}");
        }
        for time in ["now", "2024-02-01T10:00:00.123456Z", "-infinity"] {
            let calls = json!([entry("started_at", &json!(time))]);
            rows(&runner, &batch(function, &literal(&calls.to_string()))).await;
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "wrongly typed members");
    let runs = "SELECT count(*) FROM dot.process_run_observation";
    assert_eq!(number(&superuser, runs).await, 0);
}

#[apply(on_each_version)]
async fn a_batch_leaves_unfit_names_undone(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    for member in [
        "actor",
        "process_candidate_code",
        "correlation_id",
        "runner",
    ] {
        for unfit in ["ann\u{202e}", "ann ", "a\u{200b}b", "a\nb"] {
            let mut call = entry(member, &json!(unfit));
            call["process_run_id"] = json!("00000000-0000-7000-8000-0000000000a1");
            call["lease_ttl_seconds"] = json!(60);
            let calls = json!([call]).to_string();
            let done = rows(
                &runner,
                &batch("fn_process_run_begin_batch", &literal(&calls)),
            )
            .await;
            assert!(done.is_empty(), "{member}: {unfit:?}");
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "unfit names in a batch");
}
