//! Refusals that a client records: their codes, their size and their number.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_backend;
use crate::common::{Backend, TestContext, execute, literal, number, rows, text};

/// Records a refusal with this value for one member.
fn record(member: &str, value: serde_json::Value) -> String {
    let mut refusal = json!({"refusal_code": "no_execute", "message": "m"});
    refusal[member] = value;
    format!(
        "SELECT dot.fn_dot_refusal_record({}::jsonb)::text AS id",
        literal(&refusal.to_string())
    )
}

#[apply(on_each_backend)]
async fn a_recorded_refusal_holds_no_forged_code_or_posture_and_little_detail(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let codes = [
        ("no_execute", "no_execute"),
        ("of_a_newer_release", "of_a_newer_release"),
        ("", "unknown"),
        ("No_Execute", "unknown"),
        ("9lives", "unknown"),
        ("a code", "unknown"),
        ("code\n", "unknown"),
        ("\u{1b}[31m", "unknown"),
        ("é", "unknown"),
    ];
    let too_long = "x".repeat(61);
    for (said, kept) in codes.into_iter().chain([(&*too_long, "unknown")]) {
        let id = text(&observer, &record("refusal_code", json!(said))).await;
        let query = format!("SELECT refusal_code FROM dot.v_dot_refusal WHERE refusal_id = '{id}'");
        assert_eq!(text(&observer, &query).await, kept, "{said:?}");
    }
    for detail in [
        json!({"x": "y".repeat(65_000)}),
        json!({"x": "\"".repeat(5000)}),
        json!({"x": "🧭".repeat(5000)}),
        json!({"x": "\u{1}\\".repeat(5000)}),
        json!(["🧭".repeat(5000)]),
        json!({"🧭".repeat(2000): 1}),
    ] {
        text(&observer, &record("detail", detail)).await;
    }
    // Numbers with a short stored form whose text together exceeds PostgreSQL's longest text.
    let many = "SELECT dot.fn_dot_refusal_record(jsonb_build_object('refusal_code', 'busy', MEMBER,
        (SELECT jsonb_agg('1e131071'::numeric) FROM generate_series(1, 10000))))::text AS id";
    for member in ["'detail'", "'message'", "'actor'"] {
        text(&observer, &many.replace("MEMBER", member)).await;
    }
    text(&observer, &record("posture", json!("REAL_RUN"))).await;
    let bounds = "SELECT max(octet_length(detail::text)) <= 4096 AS are_small, bool_and(posture = 'NO_EXECUTE') AS
      are_the_databases,
        bool_and(recorded_by = 'dot_observer') AS are_the_logins FROM dot.v_dot_refusal";
    assert_eq!(
        rows(&observer, bounds).await,
        [json!({"are_small": true, "are_the_databases": true, "are_the_logins": true})]
    );
}

#[apply(on_each_backend)]
async fn a_login_records_a_thousand_refusals_an_hour_and_no_more(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, runner, superuser) = (
        stage.client("observer").await,
        stage.client("runner").await,
        stage.superuser().await,
    );
    let kept = "SELECT count(*) FROM dot.v_dot_refusal WHERE recorded_by = 'dot_observer'";
    let many = r#"SELECT count(dot.fn_dot_refusal_record('{"refusal_code": "busy"}')) FROM generate_series(1, 1500)"#;
    assert_eq!(number(&observer, many).await, 1000);
    assert_eq!(number(&observer, kept).await, 1000);
    assert_eq!(
        text(&observer, &record("actor", json!("another"))).await,
        ""
    );
    assert_eq!(number(&observer, kept).await, 1000);
    // The limit is per login and per hour.
    assert_ne!(text(&runner, &record("actor", json!("a"))).await, "");
    execute(
        &superuser,
        "UPDATE dot.dot_refusal SET refused_at = refused_at - interval '1 hour'",
    )
    .await;
    assert_ne!(text(&observer, &record("actor", json!("a"))).await, "");
}
