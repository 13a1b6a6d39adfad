//! Calls of each role: those it may make and those it may not.

use rstest_reuse::apply;
use serde_json::json;

use super::declared::LOGIN_ROLES;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Call, TestContext, ask, execute, text};

/// Makes each call as each role.
#[apply(on_each_backend)]
async fn each_role_may_make_only_its_own_calls(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let work = [
        ("read", "SELECT * FROM dot.v_process_run".to_owned(), "archiver observer operator reader relay runner"),
        ("record", Call::pair().sql(), "observer runner"),
        ("record a header", Call::run().sql(), "observer runner"),
        ("take a lease", Call::acquire(1).text("p_lease_name", "mine").sql(), "observer runner"),
        ("backfill", Call::backfill(&json!([])).sql(), "observer runner"),
        ("keep a refusal", "SELECT dot.fn_dot_refusal_record('{}')".to_owned(), "observer operator runner"),
        ("set a gate", Call::gate("process_dot_runtime.execute_enabled", "false").sql(), "operator"),
        ("import", crate::common::fixtures::import(&json!([])).sql(), "operator"),
        ("switch events", crate::events::switch("process.run.failed", false), "operator"),
        ("take a lease away", Call::new("fn_dot_lease_force_release").text("p_lease_name", "x").text("p_actor", "a").text("p_reason", "r").sql(), "operator"),
        ("read the raw ledger", "SELECT * FROM dot.process_run_observation".to_owned(), "archiver"),
        ("read lease tokens", "SELECT lease_token FROM dot.dot_iu_runtime_lease".to_owned(), "archiver"),
        ("refuse", "SELECT dot.fn_dot_refuse('no_execute', 'm')".to_owned(), ""),
        ("emit", "SELECT dot.fn_dot_event_emit('process.run.failed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)".to_owned(), ""),
        ("ask a check", "SELECT dot.fn_dot_preflight_run_check('pg_catalog.now')".to_owned(), ""),
    ];
    for role in LOGIN_ROLES {
        let client = stage.client(role).await;
        for (what, query, may) in &work {
            match ask(&client, query).await {
                Ok(_) => assert!(
                    may.split(' ').any(|name| name == role),
                    "{role} could {what}"
                ),
                Err(error) => {
                    assert!(
                        !may.split(' ').any(|name| name == role),
                        "{role} could not {what}: {error:?}"
                    );
                    assert_eq!(
                        error.code().unwrap().code(),
                        "42501",
                        "{role}: {what}: {error:?}"
                    );
                }
            }
        }
    }
}

#[apply(on_each_version)]
async fn unrelated_role_has_no_privileges(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    let prefix = stage.database().role_prefix().to_owned();
    execute(&owner, &format!("CREATE ROLE {prefix}_stranger LOGIN")).await;
    let options = dotwrap_contract::InstallOptions {
        role_prefix: prefix.clone(),
        ..Default::default()
    };
    dotwrap_contract::apply(&owner, &options).await.unwrap();
    let unrelated_role = stage
        .database()
        .client_as(&format!("{prefix}_stranger"))
        .await;
    for query in [
        "SELECT * FROM dot.v_dot_gate",
        "SELECT * FROM dot.v_dot_refusal_code",
        "SELECT dot.fn_process_dot_posture()",
        "SELECT * FROM dot.dot_config",
        "SELECT dot.fn_dot_uuid_v7()",
    ] {
        assert_eq!(
            ask(&unrelated_role, query)
                .await
                .unwrap_err()
                .code()
                .unwrap()
                .code(),
            "42501",
            "{query}"
        );
    }
    assert_eq!(
        text(&owner, "SELECT dot.fn_process_dot_posture()").await,
        "NO_EXECUTE"
    );
}
