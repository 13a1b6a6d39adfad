//! Contracts: registration, change and refusals.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::entries::contract;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{LONE, PRODUCER};
use crate::common::{Backend, TestContext, code, contents, number, row, rows};

#[apply(on_each_backend)]
async fn a_contract_is_set_and_changed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for mode in ["PLAN_ONLY", "VERIFY_ONLY", "DRY_RUN", "REAL_RUN"] {
        rows(
            &operator,
            &contract(|contract| contract["mode"] = json!(mode)).sql(),
        )
        .await;
    }
    rows(
        &operator,
        &contract(|contract| {
            contract["timeout_ms"] = json!(5);
            contract["invocation"] = json!({"argv": ["a", "b"]});
            contract["candidate_code"] = json!("C");
            contract["contract_status"] = json!("draft");
            contract["verifier_schema"] = json!({"type": "object"});
        })
        .sql(),
    )
    .await;
    let stored = row(&operator, "SELECT to_jsonb(c) - 'created_at' - 'contract_sha256' AS contract FROM dot.v_dot_contract c WHERE mode = 'DRY_RUN'").await;
    assert_eq!(
        stored["contract"],
        json!({"dot_code": PRODUCER, "mode": "DRY_RUN", "candidate_code": "C", "operation": "", "role": "producer", "fixture_ref": null, "output_namespace": "DRYRUN-NS:x",
               "no_mutation_assertion": true, "endpoint_ref": "command:backup --dry-run", "invocation": {"argv": ["a", "b"]}, "expected_output_schema": null,
               "verifier_schema": {"type": "object"}, "timeout_ms": 5, "contract_status": "draft", "may_repeat": false, "max_attempts": 10, "requires": []})
    );
    assert_eq!(
        number(&operator, "SELECT count(*) FROM dot.v_dot_contract").await,
        4
    );
}

#[apply(on_each_version)]
async fn a_contract_that_breaks_a_rule_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    let wrong: [(&str, Value, &str); 27] = [
        ("dot_code", json!("DOT_NOWHERE"), "unknown_dot"),
        ("dot_code", Value::Null, "unknown_dot"),
        ("dot_code", json!(LONE), "pair_incomplete"),
        ("mode", json!("dry_run"), "mode_invalid"),
        ("mode", Value::Null, "mode_invalid"),
        ("role", json!("verifier"), "role_invalid"),
        ("role", json!("referee"), "role_invalid"),
        ("output_namespace", json!("PROD:x"), "namespace_forbidden"),
        (
            "output_namespace",
            json!("dryrun-ns:x"),
            "namespace_forbidden",
        ),
        (
            "output_namespace",
            json!(" DRYRUN-NS:x"),
            "namespace_forbidden",
        ),
        ("output_namespace", Value::Null, "namespace_forbidden"),
        ("no_mutation_assertion", json!(false), "namespace_forbidden"),
        ("no_mutation_assertion", Value::Null, "namespace_forbidden"),
        ("endpoint_ref", Value::Null, "endpoint_missing"),
        ("endpoint_ref", json!(""), "endpoint_missing"),
        ("endpoint_ref", json!("http://plain"), "endpoint_missing"),
        ("endpoint_ref", json!("command:"), "endpoint_missing"),
        ("endpoint_ref", json!("Command:x"), "endpoint_missing"),
        ("fixture_ref", json!("nowhere"), "fixture_missing"),
        ("invocation", json!([]), "contract_invalid"),
        ("invocation", Value::Null, "contract_invalid"),
        ("timeout_ms", json!(0), "contract_invalid"),
        ("timeout_ms", json!("soon"), "contract_invalid"),
        ("timeout_ms", json!(99_999_999_999_i64), "contract_invalid"),
        ("contract_status", json!("maybe"), "contract_invalid"),
        (
            "no_mutation_assertion",
            json!("perhaps"),
            "contract_invalid",
        ),
        ("surprise", json!(1), "contract_invalid"),
    ];
    for (key, value, expected) in wrong {
        let refusal = code(
            &operator,
            &contract(|contract| contract[key] = value.clone()).sql(),
        )
        .await;
        assert_eq!(refusal, expected, "{key} = {value}");
    }
    for wrong in ["NULL", "'[]'::jsonb", "'null'::jsonb", "'1'::jsonb"] {
        assert_eq!(
            code(&operator, &contract(|_| ()).with("p_contract", wrong).sql()).await,
            "contract_invalid",
            "{wrong}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused contract");
}

#[apply(on_each_version)]
async fn contract_table_check_forbids_mutating_dry_mode(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    for mode in ["PLAN_ONLY", "VERIFY_ONLY", "DRY_RUN"] {
        for (asserted, namespace) in [
            ("false", "'DRYRUN-NS:x'"),
            ("true", "'PROD'"),
            ("true", "NULL"),
        ] {
            let insert = format!(
                "INSERT INTO dot.dot_agent_api_contract (dot_code, mode, role, no_mutation_assertion, output_namespace, endpoint_ref) VALUES ('{PRODUCER}', '{mode}', 'producer', {asserted}, {namespace}, 'mcp:x')"
            );
            assert!(superuser.batch_execute(&insert).await.is_err(), "{insert}");
        }
    }
    for mode in ["DRY_RUN", "REAL_RUN"] {
        for endpoint in ["NULL", "''", "'x'"] {
            let insert = format!(
                "INSERT INTO dot.dot_agent_api_contract (dot_code, mode, role, no_mutation_assertion, output_namespace, endpoint_ref) VALUES ('{PRODUCER}', '{mode}', 'producer', true, 'DRYRUN-NS:x', {endpoint})"
            );
            assert!(superuser.batch_execute(&insert).await.is_err(), "{insert}");
        }
    }
}
