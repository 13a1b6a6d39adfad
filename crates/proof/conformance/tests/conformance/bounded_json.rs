//! JSON that PostgreSQL stores but other programs cannot parse is refused in every JSON argument.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{CANDIDATE, PRODUCER};
use crate::common::run_calls::{begin, begun, ready};
use crate::common::{Backend, Call, TestContext, ask, code, contents, literal, rows, text, value};
use crate::executed_combined_calls::CombinedCall;

/// JSON objects that have to be refused: too deep, numbers too large, and numbers with too many places.
fn unreadable() -> Vec<String> {
    let nested = |levels: usize, innermost: &str| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"a":{open}{innermost}{close}}}"#)
    };
    let mut objects = vec![
        nested(32, "1"),
        nested(33, ""),
        nested(200, ""),
        nested(5000, ""),
    ];
    objects.push(format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33)));
    objects.push(nested(20, r#"{"b":[1,2,{"c":1e400}]}"#));
    for number in [
        "1e301", "-1e301", "1e400", "1e60000", "1e131071", "0e-16383", "1e-16383",
    ] {
        objects.push(format!(r#"{{"a":{number}}}"#));
    }
    objects
}

/// JSON objects at their limits.
fn readable() -> Vec<String> {
    let (open, close) = ("[".repeat(31), "]".repeat(31));
    vec![
        format!(r#"{{"a":{open}1{close}}}"#),
        r#"{"a":1e300,"b":-1e300,"c":1e-300,"d":0.1}"#.to_owned(),
        r#"{"a":123456789012345678901234567890,"b":"1e400","1e400":[true,null]}"#.to_owned(),
        "{}".to_owned(),
    ]
}

#[apply(on_each_version)]
async fn unreadable_evidence_is_refused_by_each_function_that_takes_some(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let observer = stage.client("observer").await;
    let run = text(&observer, &Call::run().sql()).await;
    let open = begun(&runner, "REAL_RUN").await;
    let receipt = text(
        &runner,
        &CombinedCall::record_producer(&open).combined.sql(),
    )
    .await;
    let before = contents(&superuser).await;
    for object in unreadable() {
        for call in [
            Call::pair(),
            Call::run(),
            Call::component(&run),
            begin("REAL_RUN"),
            open.conclusion("failed"),
            CombinedCall::record_verifier(&open, &receipt).combined,
        ] {
            let call = call.with("p_evidence_ref", format!("{}::jsonb", literal(&object)));
            let found = code(&runner, &call.sql()).await;
            assert_eq!(
                found,
                "evidence_ref_invalid",
                "{}",
                &object[..object.len().min(80)]
            );
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "unreadable evidence");
    for object in readable() {
        let evidence = format!("{}::jsonb", literal(&object));
        rows(
            &observer,
            &Call::run().with("p_evidence_ref", evidence).sql(),
        )
        .await;
    }
}

#[apply(on_each_version)]
async fn unreadable_json_is_refused_in_the_registry_and_in_a_backfill(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let before = contents(&superuser).await;
    for object in unreadable() {
        let embedded = |rest: &str| format!("{}::jsonb", literal(&rest.replace("HERE", &object)));
        let import = Call::with_arguments("fn_dot_tools_import", &[("p_actor", "'a'")]).with(
            "p_tools",
            embedded(r#"[{"dot_code":"DOT_X","name":"n","tier":"A","extra_metadata":HERE}]"#),
        );
        assert_eq!(code(&operator, &import.sql()).await, "tool_invalid");
        for member in ["invocation", "expected_output_schema", "verifier_schema"] {
            let contract =
                r#"{"dot_code":"DOT","mode":"REAL_RUN","endpoint_ref":"mcp:x","MEMBER":HERE}"#
                    .replace("\"DOT\"", &format!("\"{PRODUCER}\""))
                    .replace("MEMBER", member);
            let contract = Call::with_arguments("fn_dot_contract_set", &[("p_actor", "'a'")])
                .with("p_contract", embedded(&contract));
            assert_eq!(code(&operator, &contract.sql()).await, "contract_invalid");
        }
        for (entry, refused) in [
            (
                r#"{"tool":[{"dot_code":"DOT_X","name":"n","tier":"A","extra_metadata":HERE}]}"#,
                "tool_invalid",
            ),
            (
                r#"{"contract":[{"dot_code":"DOT_X","mode":"REAL_RUN","invocation":HERE}]}"#,
                "contract_invalid",
            ),
            (
                r#"{"candidate":[{"code":"C","title":HERE}]}"#,
                "tool_invalid",
            ),
        ] {
            let catalogue = Call::with_arguments("fn_dot_catalogue_import", &[("p_actor", "'a'")])
                .with("p_catalogue", embedded(entry));
            assert_eq!(code(&operator, &catalogue.sql()).await, refused);
        }
        let fixture = Call::with_arguments(
            "fn_dot_fixture_put",
            &[("p_fixture_ref", "'f'"), ("p_actor", "'a'")],
        )
        .text("p_body", &object)
        .with(
            "p_sha256",
            format!(
                "encode(sha256(convert_to({}, 'UTF8')), 'hex')",
                literal(&object)
            ),
        );
        assert_eq!(code(&operator, &fixture.sql()).await, "contract_invalid");
        for member in ["evidence_ref", "anything_else"] {
            let asserted = r#"[{"dot_code":"DOT","process_candidate_code":"C","correlation_id":"old","MEMBER":HERE}]"#
                .replace("\"DOT\"", &format!("\"{PRODUCER}\""))
                .replace("MEMBER", member);
            let backfill = Call::backfill(&json!([])).with("p_rows", embedded(&asserted));
            assert_eq!(
                code(&observer, &backfill.sql()).await,
                "backfill_row_invalid"
            );
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "unreadable JSON");
    // What PostgreSQL itself cannot take from a text is refused, too.
    for body in [r#"{"a":1e200000}"#.to_owned(), "[".repeat(100_000)] {
        let fixture = Call::with_arguments(
            "fn_dot_fixture_put",
            &[("p_fixture_ref", "'f'"), ("p_actor", "'a'")],
        )
        .text("p_body", &body)
        .with(
            "p_sha256",
            format!("encode(sha256({}), 'hex')", literal(&body)),
        );
        assert_eq!(code(&operator, &fixture.sql()).await, "contract_invalid");
    }
}

#[apply(on_each_version)]
async fn a_refusals_unreadable_detail_is_replaced(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for object in unreadable() {
        let refusal = format!(r#"{{"refusal_code":"x","detail":{object}}}"#);
        let record = format!(
            "SELECT dot.fn_dot_refusal_record({}::jsonb)",
            literal(&refusal)
        );
        rows(&observer, &record).await;
    }
    let details = rows(&observer, "SELECT DISTINCT detail FROM dot.v_dot_refusal").await;
    assert_eq!(details.len(), 1, "{details:?}");
    assert!(details[0]["detail"]["cut"].is_string());
}

#[apply(on_each_version)]
async fn a_backfilled_time_has_a_date_a_time_and_an_offset(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let asserted = |time: &str| {
        Call::backfill(
            &json!([{"dot_code": PRODUCER, "process_candidate_code": CANDIDATE, "correlation_id": time,
                "started_at": time}]),
        )
    };
    for vague in [
        "now",
        "today",
        "yesterday",
        "infinity",
        "-infinity",
        "epoch",
        "01/02/2024",
        "2024-02-01",
        "2024-02-01T10:00:00",
        "2024-02-01 10:00 Europe/Berlin",
        "2024-02-01 10:00:00 CET",
        "Feb 1 2024 10:00 UTC",
        "20240201T100000Z",
        "2024-02-01T10Z",
        "2024-02-01T10:00:00Z BC",
        "10:00Z",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2024-02-01T10:00:00+99:00",
        "",
    ] {
        let found = code(&observer, &asserted(vague).sql()).await;
        assert_eq!(found, "backfill_row_invalid", "{vague}");
    }
    let expected = "2024-02-01 09:00:00+00";
    for exact in [
        "2024-02-01T09:00:00Z",
        "2024-02-01 10:00+01",
        "2024-02-01t10:00:00.000+01:00",
        "2024-02-01T10:00:00+0100",
    ] {
        for style in ["ISO, MDY", "SQL, DMY", "German, DMY", "Postgres, MDY"] {
            let session = format!(
                "SELECT set_config('DateStyle', '{style}', false), set_config('TimeZone', 'Asia/Tokyo', false)"
            );
            rows(&observer, &session).await;
            let again = asserted(exact).text("p_source_ref", style);
            rows(&observer, &again.sql()).await;
        }
        let same =
            format!("SELECT bool_and(started_at = '{expected}') FROM dot.process_run_observation");
        assert_eq!(value(&superuser, &same).await, true, "{exact}");
    }
    assert!(
        ask(&observer, &asserted("2024-02-01T09:00:00Z").sql())
            .await
            .is_ok()
    );
}
