//! Length limits of text arguments.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{PRODUCER, import};
use crate::common::{
    Backend, Call, Refusal, TestContext, ask, code, contents, literal, refused, text,
};

/// Each text with a limit: the caller's role, the call, the argument, the limit in characters.
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
        ("operator", Call::with_arguments("fn_dot_lease_force_release", &[("p_lease_name", "'x'"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_actor", 200),
        ("operator", Call::with_arguments("fn_dot_lease_force_release", &[("p_lease_name", "'x'"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_reason", 2000),
        ("operator", Call::with_arguments("fn_event_type_set_active", &[("p_event_type", "'process.run.failed'"), ("p_active", "true"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_actor", 200),
        ("operator", Call::with_arguments("fn_event_type_set_active", &[("p_event_type", "'process.run.failed'"), ("p_active", "true"), ("p_actor", "'a'"), ("p_reason", "'r'")]), "p_reason", 2000),
        ("operator", Call::with_arguments("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_process_candidate_code", 200),
        ("operator", Call::with_arguments("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_actor", 200),
        ("operator", Call::with_arguments("fn_process_candidate_set", &[("p_process_candidate_code", "'c'"), ("p_title", "''"), ("p_owner", "''"), ("p_actor", "'a'")]), "p_owner", 200),
        ("operator", Call::with_arguments("fn_dot_fixture_put", &[("p_fixture_ref", "'f'"), ("p_body", "'{}'"), ("p_sha256", "encode(sha256('{}'), 'hex')"), ("p_actor", "'a'")]), "p_fixture_ref", 200),
        ("operator", Call::with_arguments("fn_dot_preflight_check_set", &[("p_check_name", "'c'"), ("p_count_query", "'dot.fn_dot_check_malformed_gates'"), ("p_actor", "'a'")]), "p_check_name", 200),
        ("operator", import(&json!([])), "p_actor", 200),
        ("operator", Call::with_arguments("fn_dot_catalogue_import", &[("p_catalogue", "'{}'"), ("p_actor", "'a'")]), "p_actor", 200),
        ("operator", Call::with_arguments("fn_dot_contract_set", &[("p_contract", &format!("'{}'", json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "mcp:x"}))), ("p_actor", "'a'")]), "p_actor", 200),
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
        // Four bytes per character, because characters are counted. Each case has its own text, so that keys differ.
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
async fn megabyte_in_an_enum_argument_is_refused_and_not_repeated(backend: Backend) {
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
