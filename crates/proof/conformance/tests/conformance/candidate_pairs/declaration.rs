//! Declaration of pairs: by import and by call, its refusals, its role and concurrent changes.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::GenericClient;

use super::calls::{UNDECLARED_CANDIDATE, declare, remove, retire};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    CANDIDATE, LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, import, register_candidate, tools,
};
use crate::common::{Backend, Call, TestContext, code, contents, execute, rows, text};

async fn pairs(client: &impl GenericClient) -> Vec<Value> {
    rows(
        client,
        "SELECT process_candidate_code AS candidate, dot_code, is_inferred, is_registered
         FROM dot.v_process_candidate_pair ORDER BY 1, 2",
    )
    .await
}

#[apply(on_each_backend)]
async fn import_declares_pairs_from_metadata_and_keeps_existing_pairs(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let pair = |candidate: &str, dot_code: &str, is_registered: bool| json!({"candidate": candidate, "dot_code": dot_code, "is_inferred": false, "is_registered": is_registered});
    assert_eq!(
        pairs(&operator).await,
        [
            pair(CANDIDATE, PRODUCER, false),
            pair(CANDIDATE, OTHER_PRODUCER, false)
        ],
        "declared before its candidate is registered"
    );
    let plan = |tools: &Value| {
        import(tools)
            .with("p_dry_run", "true")
            .sql()
            .replace("SELECT *", "SELECT dot_code, action, detail")
    };
    let action = |dot_code: &str, action: &str, detail: Value| json!({"dot_code": dot_code, "action": action, "detail": detail});
    let kept = rows(&operator, &plan(&tools())).await;
    assert_eq!(kept[0], action(PRODUCER, "keep", Value::Null));
    // Only the pair is missing: the import declares it again and does not report a changed tool.
    rows(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    let planned = rows(&operator, &plan(&tools())).await;
    assert_eq!(
        planned[0],
        action(PRODUCER, "change", json!("candidate_pair"))
    );
    assert_eq!(planned[2], action(OTHER_PRODUCER, "keep", Value::Null));
    let notes = "SELECT count(*)::text FROM dot.v_dot_registry_history WHERE kind = 'tool'";
    let before = text(&operator, notes).await;
    rows(&operator, &import(&tools()).sql()).await;
    assert_eq!(text(&operator, notes).await, before);
    assert_eq!(pairs(&operator).await.len(), 2);
    let mut other = tools();
    other[0]["extra_metadata"]["process_candidate_code"] = json!(UNDECLARED_CANDIDATE);
    // Metadata of a verifier declares no pair, nor does a candidate that is not a text.
    other[1]["extra_metadata"] = json!({"process_candidate_code": "PROC-CAND:verifiers"});
    other[2]["extra_metadata"]["process_candidate_code"] = json!(7);
    rows(&operator, &import(&other).sql()).await;
    assert_eq!(
        pairs(&operator).await,
        [
            pair(CANDIDATE, PRODUCER, false),
            pair(CANDIDATE, OTHER_PRODUCER, false),
            pair(UNDECLARED_CANDIDATE, PRODUCER, false)
        ]
    );
    let mut long = tools();
    long[0]["extra_metadata"]["process_candidate_code"] = json!("x".repeat(201));
    assert_eq!(code(&operator, &import(&long).sql()).await, "tool_invalid");
}

#[apply(on_each_backend)]
async fn declaring_a_pair_refuses_unknown_candidates_and_anything_but_producers(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    register_candidate(&operator, CANDIDATE).await;
    let before = contents(&superuser).await;
    for (call, expected) in [
        (declare("PROC-CAND:typo", PRODUCER), "candidate_unknown"),
        (declare(" ", PRODUCER), "candidate_required"),
        (declare(CANDIDATE, "DOT_NO"), "unknown_dot"),
        (
            declare(CANDIDATE, PRODUCER).with("p_dot_code", "NULL"),
            "unknown_dot",
        ),
        (declare(CANDIDATE, VERIFIER), "not_a_producer"),
        (declare(CANDIDATE, LONE), "pair_incomplete"),
        (
            declare(CANDIDATE, PRODUCER).text("p_actor", " "),
            "actor_required",
        ),
        (
            declare(CANDIDATE, PRODUCER).text("p_reason", &"x".repeat(2001)),
            "text_too_long",
        ),
    ] {
        assert_eq!(code(&operator, &call.sql()).await, expected, "{call:?}");
    }
    contents(&superuser).await.assert_same(&before, "a refusal");
    // NULL is no declaration.
    let unsaid = declare(CANDIDATE, PRODUCER).with("p_declared", "NULL");
    assert_eq!(text(&operator, &unsaid.sql()).await, "removed");
    // An inferred pair with an unregistered, misspelled candidate can be removed.
    execute(
        &superuser,
        "INSERT INTO dot.process_candidate_pair (process_candidate_code, dot_code, is_inferred, declared_by)
         VALUES ('PROC-CAND:typo', 'DOT_GONE', true, 'dotwrap')",
    )
    .await;
    let removed = remove("PROC-CAND:typo", "DOT_GONE").sql();
    assert_eq!(text(&operator, &removed).await, "removed");
}

#[apply(on_each_version)]
async fn only_operators_declare_pairs_and_retire(backend: Backend) {
    let stage = TestContext::new(backend).await;
    for role in ["observer", "runner", "relay", "archiver", "reader"] {
        let client = stage.client(role).await;
        let contract = Call::new("fn_dot_contract_retire")
            .text("p_dot_code", PRODUCER)
            .text("p_mode", "REAL_RUN")
            .text("p_actor", "a");
        for call in [
            declare(CANDIDATE, PRODUCER).sql(),
            retire(PRODUCER),
            contract.sql(),
        ] {
            let error = client.simple_query(&call).await.unwrap_err();
            let state = error.code().map(|state| state.code().to_owned());
            assert_eq!(state.as_deref(), Some("42501"), "{role}: {call}");
        }
    }
}

#[apply(on_each_version)]
async fn a_change_of_a_pair_that_meets_an_uncommitted_one_is_refused_as_busy(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (mut slow, operator) = (
        stage.client("operator").await,
        stage.client("operator").await,
    );
    register_candidate(&operator, UNDECLARED_CANDIDATE).await;
    let uncommitted = slow.transaction().await.unwrap();
    rows(&uncommitted, &declare(UNDECLARED_CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(
        code(&operator, &declare(UNDECLARED_CANDIDATE, PRODUCER).sql()).await,
        "busy"
    );
    uncommitted.rollback().await.unwrap();
    let declared = text(&operator, &declare(UNDECLARED_CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(declared, "declared");
}
