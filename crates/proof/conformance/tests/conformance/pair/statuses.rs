//! Each wrapper status is stored as the status model says.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::status_model::STATUS_MODEL;
use crate::common::backend::on_each_backend;
use crate::common::{Backend, Call, TestContext, code, contents, row, rows};

/// The wrapper's own tags and those of this status.
fn expected_evidence(tags: &[(&str, &str)]) -> Value {
    let mut evidence = json!({"wrapper": "dot_exec_wrapper", "actor": "tester", "posture": "NO_EXECUTE", "no_execute": true});
    for (key, value) in tags {
        evidence[key] = serde_json::from_str(value).unwrap();
    }
    evidence
}

#[apply(on_each_backend)]
async fn pair_stores_each_status_as_the_status_model_says(backend: Backend) {
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
