//! The length limits of texts, in characters, and the handling of longer texts.

use rstest_reuse::apply;
use serde_json::{Value, json};

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, LONE, PRODUCER, import};
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, code, contents, literal, refused, row, rows, text,
};
use crate::hostile_text::set;

/// Every text that has a limit: who calls, the call, the argument, the limit, and what becomes of a text at the limit.
fn limited_texts() -> Vec<(&'static str, Call, &'static str, usize)> {
    let component = || Call::component("RUN");
    let mut limited = Vec::new();
    for call in [Call::pair, Call::run] {
        limited.extend([
            ("observer", call(), "p_actor", 200),
            ("observer", call(), "p_process_candidate_code", 200),
            ("observer", call(), "p_correlation_id", 500),
        ]);
    }
    limited.push(("observer", component(), "p_actor", 200));
    for call in [Call::pair(), Call::run(), component()] {
        limited.push(("observer", call.clone(), "p_idempotency_key", 500));
        for reference in ["p_input_ref", "p_output_ref", "p_error_ref"] {
            limited.push(("observer", call.clone(), reference, 2000));
        }
    }
    limited.extend([
        ("observer", Call::run(), "p_event_code", 200),
        ("observer", Call::run(), "p_process_definition_code", 200),
        ("observer", Call::run(), "p_source_system", 200),
        ("observer", component(), "p_event_code", 200),
        ("observer", component(), "p_source_system", 200),
        ("observer", Call::backfill(&json!([])), "p_actor", 200),
        ("observer", Call::backfill(&json!([])), "p_source_ref", 2000),
        ("observer", Call::acquire(1), "p_holder", 200),
        ("operator", Call::gate("process_dot_runtime.execute_enabled", "false"), "p_actor", 200),
        ("operator", Call::gate("process_dot_runtime.execute_enabled", "false"), "p_reason", 2000),
        ("operator", set("fn_dot_lease_force_release", &[("p_lease_name", "'x'"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_actor", 200),
        ("operator", set("fn_dot_lease_force_release", &[("p_lease_name", "'x'"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_reason", 2000),
        ("operator", set("fn_event_type_set_active", &[("p_event_type", "'process.run.failed'"), ("p_active", "true"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_actor", 200),
        ("operator", set("fn_event_type_set_active", &[("p_event_type", "'process.run.failed'"), ("p_active", "true"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_reason", 2000),
        ("operator", set("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_process_candidate_code", 200),
        ("operator", set("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_actor", 200),
        ("operator", set("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_owner", 200),
        ("operator", set("fn_dot_fixture_put", &[("p_fixture_ref", "'f'"), ("p_body", "'{}'"), ("p_sha256", "encode(sha256('{}'), 'hex')"), ("p_actor", "'a'")]), "p_fixture_ref", 200),
        ("operator", set("fn_dot_preflight_check_set", &[("p_check_name", "'c'"), ("p_count_query", "'dot.fn_dot_check_malformed_gates'"), ("p_actor", "'a'")]), "p_check_name", 200),
        ("operator", import(&json!([])), "p_actor", 200),
        ("operator", set("fn_dot_catalogue_import", &[("p_catalogue", "'{}'"), ("p_actor", "'a'")]), "p_actor", 200),
        ("operator", set("fn_dot_contract_set", &[("p_contract", &format!("'{}'", json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "mcp:x"}))), ("p_actor", "'a'")]), "p_actor", 200),
    ]);
    limited
}

#[apply(on_each_backend)]
async fn text_at_its_limit_is_accepted_and_one_character_more_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let mut wrong = Vec::new();
    for (number, (role, call, argument, limit)) in limited_texts().into_iter().enumerate() {
        let client = if role == "observer" {
            &observer
        } else {
            &operator
        };
        let run = text(&observer, &Call::run().text("p_dot_code", PRODUCER).sql()).await;
        // Of four bytes each: it is characters that are counted. Each case has a text of its own, or keys would meet.
        let of_length = |length: usize| format!("{number:03}{}", "🧭".repeat(length - 3));
        let sql = |length: usize| {
            call.clone()
                .text(argument, &of_length(length))
                .sql()
                .replace("'RUN'", &literal(&run))
        };
        let before = contents(&superuser).await;
        for length in [limit + 1, 1_048_576 / 4] {
            match ask(client, &sql(length)).await {
                Ok(_) => wrong.push(format!(
                    "{argument} of {length} characters was taken: {}",
                    call.sql()
                )),
                Err(error) => {
                    let refusal = Refusal::of(&error);
                    let expected = ("text_too_long", &json!(length), &json!(limit), true);
                    let found = (
                        refusal.code.as_str(),
                        &refusal.detail["length"],
                        &refusal.detail["limit"],
                        refusal.message.len() < 500,
                    );
                    if found != expected {
                        wrong.push(format!(
                            "{argument} of {length} characters: {found:?}: {}",
                            call.sql()
                        ));
                    }
                }
            }
        }
        if wrong.is_empty() {
            contents(&superuser).await.assert_same(&before, argument);
        }
        if let Err(error) = ask(client, &sql(limit)).await {
            wrong.push(format!(
                "{argument} at its limit is refused: {}: {error:?}",
                call.sql()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[apply(on_each_version)]
async fn a_lease_name_has_five_hundred_characters_at_most(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    assert!(
        !text(
            &observer,
            &Call::acquire(1)
                .text("p_lease_name", &"🧭".repeat(500))
                .sql()
        )
        .await
        .is_empty()
    );
    for length in [501, 262_144] {
        assert_eq!(
            code(
                &observer,
                &Call::acquire(1)
                    .text("p_lease_name", &"🧭".repeat(length))
                    .sql()
            )
            .await,
            "lease_name_invalid"
        );
    }
}

#[apply(on_each_backend)]
async fn a_megabyte_in_a_choice_is_refused_without_an_echo(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let before = contents(&superuser).await;
    let mut wrong = Vec::new();
    let choices = [
        (
            "observer",
            Call::pair(),
            "p_wrapper_status",
            "status_invalid",
        ),
        (
            "observer",
            Call::pair(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", Call::run(), "p_status", "status_invalid"),
        (
            "observer",
            Call::run(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", Call::run(), "p_dot_code", "text_too_long"),
        (
            "observer",
            Call::component("00000000-0000-7000-8000-000000000001"),
            "p_component_role",
            "role_invalid",
        ),
        (
            "observer",
            Call::component("00000000-0000-7000-8000-000000000001"),
            "p_verdict",
            "verdict_invalid",
        ),
        (
            "observer",
            Call::component("00000000-0000-7000-8000-000000000001"),
            "p_dot_code",
            "text_too_long",
        ),
        ("observer", Call::pair(), "p_dot_code", "text_too_long"),
        (
            "observer",
            Call::backfill(&json!([])),
            "p_source_sha256",
            "source_required",
        ),
        (
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "false"),
            "p_key",
            "gate_unknown",
        ),
        (
            "operator",
            Call::gate("process_dot_runtime.execute_enabled", "false"),
            "p_value",
            "gate_value_invalid",
        ),
    ];
    for (role, call, argument, expected) in choices {
        let client = if role == "observer" {
            &observer
        } else {
            &operator
        };
        let refusal = refused(
            client,
            &call.clone().with(argument, "repeat('x', 1048576)").sql(),
        )
        .await;
        let is_echoed = refusal.message.len() + refusal.detail.to_string().len() > 2000;
        if refusal.code != expected || is_echoed {
            wrong.push(format!(
                "{argument} of {}: {}, echoed: {is_echoed}",
                call.sql(),
                refusal.code
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    contents(&superuser)
        .await
        .assert_same(&before, "a megabyte");
}

/// Four bytes a character and nothing to compress: the worst that an index entry can be.
fn worst(length: u32, seed: u32) -> String {
    (0..length)
        .map(|n| char::from_u32(0x1_0000 + (n * 7919 + seed) % 0xFFF0).unwrap())
        .collect()
}

#[apply(on_each_version)]
async fn the_longest_texts_fit_their_indexes(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator) = (
        stage.client("observer").await,
        stage.client("operator").await,
    );
    let texts = |call: Call| {
        call.text("p_correlation_id", &worst(500, 4))
            .text("p_process_candidate_code", &worst(200, 5))
    };
    // With a DOT's code of up to 500 bytes.
    let keyed = texts(Call::pair()).text("p_idempotency_key", &worst(500, 3));
    let first = row(&observer, &keyed.sql()).await;
    let again = row(&observer, &keyed.sql()).await;
    assert_eq!(again["process_run_id"], first["process_run_id"]);
    // The longest code goes with every key that is not nearly as long.
    let (producer, verifier) = (worst(200, 1), worst(200, 2));
    let tool = |code: &str, pair: &str, role: &str| json!({"dot_code": code, "name": "n", "tier": "A", "paired_dot": pair, "pair_role": role});
    let pair = json!([
        tool(&producer, &verifier, "producer"),
        tool(&verifier, &producer, "verifier")
    ]);
    rows(&operator, &import(&pair).sql()).await;
    let longest = texts(Call::pair()).text("p_dot_code", &producer);
    for call in [
        longest.clone(),
        longest.text("p_idempotency_key", &worst(425, 6)),
    ] {
        assert_eq!(row(&observer, &call.sql()).await["created"], true);
    }
}

#[apply(on_each_version)]
async fn a_key_that_does_not_fit_its_index_together_with_the_code_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let (code, key) = (worst(200, 1), worst(500, 3));
    let lone = json!([{"dot_code": code, "name": "n", "tier": "A", "paired_dot": "DOT_V", "pair_role": "producer"},
        {"dot_code": "DOT_V", "name": "n", "tier": "A", "paired_dot": code, "pair_role": "verifier"}]);
    rows(&operator, &import(&lone).sql()).await;
    let pair = Call::pair()
        .text("p_dot_code", &code)
        .text("p_idempotency_key", &key);
    let asserted = json!([{"dot_code": code, "process_candidate_code": CANDIDATE, "correlation_id": "old", "idempotency_key": key}]);
    let before = contents(&superuser).await;
    for call in [pair, Call::backfill(&asserted)] {
        let refusal = refused(&observer, &call.sql()).await;
        assert_eq!(refusal.code, "text_too_long");
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a key that does not fit");
}

#[apply(on_each_backend)]
async fn evidence_is_an_object_of_sixty_four_kibibytes(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, superuser) = (stage.client("observer").await, stage.superuser().await);
    let run = text(&observer, &Call::run().sql()).await;
    let of_bytes = |bytes: usize| {
        format!(
            "jsonb_build_object('x', repeat('y', {}))",
            bytes - r#"{"x": ""}"#.len()
        )
    };
    let before = contents(&superuser).await;
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        for wrong in [
            "'[]'::jsonb".to_owned(),
            "'1'::jsonb".into(),
            "'\"text\"'::jsonb".into(),
            "'true'::jsonb".into(),
            "'null'::jsonb".into(),
            of_bytes(65_537),
            of_bytes(1_048_576),
        ] {
            let refusal = refused(
                &observer,
                &call.clone().with("p_evidence_ref", wrong.clone()).sql(),
            )
            .await;
            assert_eq!(refusal.code, "evidence_ref_invalid", "{wrong}");
        }
    }
    contents(&superuser)
        .await
        .assert_same(&before, "wrong evidence");
    for call in [Call::pair(), Call::run(), Call::component(&run)] {
        rows(
            &observer,
            &call.with("p_evidence_ref", of_bytes(65_536)).sql(),
        )
        .await;
    }
    rows(
        &observer,
        &Call::pair().with("p_evidence_ref", "NULL").sql(),
    )
    .await;
    let tags = row(&observer, "SELECT evidence_ref FROM dot.v_process_run WHERE producer_component_run_id IS NOT NULL ORDER BY created_at DESC LIMIT 1").await;
    assert_eq!(
        tags["evidence_ref"],
        json!({"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true})
    );
}

#[apply(on_each_backend)]
async fn refusal_record_is_truncated_not_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    let long = "ß".repeat(300_000);
    let refusal = json!({"refusal_code": long, "message": long, "actor": long, "dot_code": long, "process_candidate_code": long, "correlation_id": long, "posture": long, "detail": {"x": long}, "other": long});
    let record = |refusal: &str| {
        format!(
            "SELECT dot.fn_dot_refusal_record({}::jsonb)",
            literal(refusal)
        )
    };
    rows(&observer, &record(&refusal.to_string())).await;
    let lengths = row(&observer, "SELECT length(refusal_code) AS code, length(message) AS message, length(actor) AS actor, length(dot_code) AS dot, length(process_candidate_code) AS candidate, length(correlation_id) AS correlation, length(posture) AS posture, octet_length(detail::text) <= 4096 AS detail FROM dot.v_dot_refusal").await;
    assert_eq!(
        lengths,
        json!({"code": "unknown".len(), "message": 2000, "actor": 200, "dot": 200, "candidate": 200, "correlation": 500,
               "posture": "NO_EXECUTE".len(), "detail": true})
    );
    for odd in [
        json!({}),
        json!({"refusal_code": 1, "message": [1], "detail": "text"}),
        json!({"refusal_code": null, "detail": null}),
        json!({"refusal_code": LONE, "correlation_id": "\u{a0}", "process_candidate_code": CANDIDATE}),
    ] {
        rows(&observer, &record(&odd.to_string())).await;
    }
    let defaults = rows(
        &observer,
        "SELECT recorded_by, posture FROM dot.v_dot_refusal ORDER BY refused_at OFFSET 1",
    )
    .await;
    assert_eq!(
        defaults,
        vec![json!({"recorded_by": "dot_observer", "posture": "NO_EXECUTE"}); 4]
    );
    for wrong in ["NULL", "'[]'", "'1'", "'null'"] {
        assert_eq!(
            code(
                &observer,
                &format!("SELECT dot.fn_dot_refusal_record({wrong}::jsonb)")
            )
            .await,
            "evidence_ref_invalid",
            "{wrong}"
        );
    }
    assert_eq!(
        row(&observer, "SELECT count(*) AS n FROM dot.v_dot_refusal").await["n"],
        Value::from(5)
    );
}
