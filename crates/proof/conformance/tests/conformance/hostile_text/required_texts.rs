//! Each text that a function requires is refused when it is blank.

use rstest_reuse::apply;
use serde_json::json;

use super::characters::WHITE_SPACE;
use crate::common::backend::on_each_backend;
use crate::common::fixtures::import;
use crate::common::{Backend, Call, TestContext, ask, contents, literal};

/// Each required text: the caller's role, the call, the argument, and the refusal code of a missing text.
fn required_texts() -> Vec<(&'static str, Call, &'static str, &'static str)> {
    let component = || Call::component("00000000-0000-7000-8000-000000000001");
    let release =
        || Call::lease("fn_dot_iu_runtime_lease_release").with("p_token", "gen_random_uuid()");
    let renew = || {
        Call::lease("fn_dot_iu_runtime_lease_renew")
            .with("p_token", "gen_random_uuid()")
            .with("p_ttl_seconds", "1")
    };
    let force = || {
        Call::with_arguments(
            "fn_dot_lease_force_release",
            &[
                ("p_lease_name", "'x'"),
                ("p_actor", "'a'"),
                ("p_reason", "'r'"),
            ],
        )
    };
    let switch = || {
        Call::with_arguments(
            "fn_event_type_set_active",
            &[
                ("p_event_type", "'process.run.failed'"),
                ("p_active", "true"),
                ("p_actor", "'a'"),
                ("p_reason", "'r'"),
            ],
        )
    };
    let candidate = || {
        Call::with_arguments(
            "fn_process_candidate_set",
            &[
                ("p_process_candidate_code", "'c'"),
                ("p_title", "''"),
                ("p_owner", "''"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let contract = || {
        Call::with_arguments(
            "fn_dot_contract_set",
            &[("p_contract", "'{}'"), ("p_actor", "'a'")],
        )
    };
    let fixture = || {
        Call::with_arguments(
            "fn_dot_fixture_put",
            &[
                ("p_fixture_ref", "'f'"),
                ("p_body", "'{}'"),
                ("p_sha256", "encode(sha256('{}'), 'hex')"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let check = || {
        Call::with_arguments(
            "fn_dot_preflight_check_set",
            &[
                ("p_check_name", "'c'"),
                ("p_count_query", "'dot.fn_dot_check_malformed_gates'"),
                ("p_actor", "'a'"),
            ],
        )
    };
    let backfill = || Call::backfill(&json!([]));
    let gate = || Call::gate("process_dot_runtime.execute_enabled", "false");
    vec![
        ("observer", Call::pair(), "p_actor", "actor_required"),
        (
            "observer",
            Call::pair(),
            "p_correlation_id",
            "correlation_required",
        ),
        (
            "observer",
            Call::pair(),
            "p_process_candidate_code",
            "candidate_required",
        ),
        ("observer", Call::pair(), "p_dot_code", "unknown_dot"),
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
        ("observer", Call::run(), "p_actor", "actor_required"),
        (
            "observer",
            Call::run(),
            "p_correlation_id",
            "correlation_required",
        ),
        (
            "observer",
            Call::run(),
            "p_process_candidate_code",
            "candidate_required",
        ),
        ("observer", Call::run(), "p_status", "status_invalid"),
        (
            "observer",
            Call::run(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", component(), "p_actor", "actor_required"),
        (
            "observer",
            component(),
            "p_correlation_id",
            "correlation_required",
        ),
        ("observer", component(), "p_component_role", "role_invalid"),
        ("observer", component(), "p_status", "status_invalid"),
        (
            "observer",
            component(),
            "p_evidence_type",
            "evidence_type_invalid",
        ),
        ("observer", backfill(), "p_actor", "actor_required"),
        ("observer", backfill(), "p_source_ref", "source_required"),
        ("observer", backfill(), "p_source_sha256", "source_required"),
        (
            "observer",
            Call::acquire(1),
            "p_lease_name",
            "lease_name_invalid",
        ),
        ("observer", Call::acquire(1), "p_holder", "holder_required"),
        ("observer", release(), "p_lease_name", "lease_name_invalid"),
        ("observer", release(), "p_holder", "holder_required"),
        ("observer", renew(), "p_lease_name", "lease_name_invalid"),
        ("observer", renew(), "p_holder", "holder_required"),
        ("operator", gate(), "p_key", "gate_unknown"),
        ("operator", gate(), "p_value", "gate_value_invalid"),
        ("operator", gate(), "p_actor", "actor_required"),
        ("operator", gate(), "p_reason", "reason_required"),
        ("operator", force(), "p_lease_name", "lease_name_invalid"),
        ("operator", force(), "p_actor", "actor_required"),
        ("operator", force(), "p_reason", "reason_required"),
        ("operator", switch(), "p_event_type", "event_type_unknown"),
        ("operator", switch(), "p_actor", "actor_required"),
        ("operator", switch(), "p_reason", "reason_required"),
        (
            "operator",
            candidate(),
            "p_process_candidate_code",
            "candidate_required",
        ),
        ("operator", candidate(), "p_actor", "actor_required"),
        ("operator", contract(), "p_actor", "actor_required"),
        ("operator", fixture(), "p_fixture_ref", "fixture_missing"),
        ("operator", fixture(), "p_actor", "actor_required"),
        ("operator", check(), "p_check_name", "check_invalid"),
        ("operator", check(), "p_count_query", "check_invalid"),
        ("operator", check(), "p_actor", "actor_required"),
        ("operator", import(&json!([])), "p_actor", "actor_required"),
    ]
}

#[apply(on_each_backend)]
async fn every_blank_counts_as_missing_for_every_required_text(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (observer, operator, superuser) = (
        stage.client("observer").await,
        stage.client("operator").await,
        stage.superuser().await,
    );
    let every_white_space: String = WHITE_SPACE.iter().collect();
    let blanks = [
        "NULL".to_owned(),
        "''".into(),
        "' '".into(),
        literal("\u{a0}"),
        literal("\u{2003}\u{3000}"),
        literal("\t\r\n"),
        literal(&every_white_space),
    ];
    let mut wrong = Vec::new();
    let before = contents(&superuser).await;
    for (role, call, argument, expected) in required_texts() {
        let client = if role == "observer" {
            &observer
        } else {
            &operator
        };
        for blank in &blanks {
            let outcome = ask(client, &call.clone().with(argument, blank.clone()).sql()).await;
            let found = outcome
                .as_ref()
                .err()
                .and_then(|error| error.as_db_error()?.constraint());
            if found != Some(expected) {
                wrong.push(format!(
                    "{argument} => {blank} of {}: {found:?} instead of {expected}",
                    call.sql()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    contents(&superuser)
        .await
        .assert_same(&before, "a blank text");
}
