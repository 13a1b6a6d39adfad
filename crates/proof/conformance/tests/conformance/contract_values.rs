//! Only the roles that call or set a contract may read the values of its variables.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::on_each_version;
use crate::common::fixtures::PRODUCER;
use crate::common::{Backend, Call, TestContext, ask, execute, literal, row, rows, value};

const SECRET: &str = "hunter2-of-the-ledger";

async fn set(operator: &Client, invocation: Value) {
    let contract = json!({"dot_code": PRODUCER, "mode": "REAL_RUN", "endpoint_ref": "command:x",
        "invocation": invocation});
    let call = Call::new("fn_dot_contract_set")
        .with(
            "p_contract",
            format!("{}::jsonb", literal(&contract.to_string())),
        )
        .text("p_actor", "olga");
    rows(operator, &call.sql()).await;
}

#[apply(on_each_version)]
async fn readers_see_the_names_of_variables_and_no_value(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    for variables in [
        json!({"TOKEN": SECRET, "MODE": "x"}),
        json!([SECRET]),
        json!(SECRET),
    ] {
        set(&operator, json!({"argv": ["x"], "variables": variables})).await;
        for role in ["reader", "observer", "relay", "archiver"] {
            let client = stage.client(role).await;
            let views = rows(&client, "SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'dot'::regnamespace \
                 AND c.relkind = 'v' AND has_table_privilege(c.oid, 'SELECT')").await;
            for view in &views {
                let view = view["name"].as_str().unwrap();
                let shown = json!(
                    rows(
                        &client,
                        &format!("SELECT to_jsonb(v) AS row FROM dot.{view} v")
                    )
                    .await
                );
                assert!(
                    !shown.to_string().contains(SECRET),
                    "{role} reads it in {view}"
                );
            }
            let whole = ask(&client, "SELECT * FROM dot.v_dot_contract_call").await;
            assert_eq!(whole.unwrap_err().code().unwrap().code(), "42501", "{role}");
        }
        let kept = rows(&superuser, "SELECT entry FROM dot.dot_registry_history").await;
        assert!(
            !json!(kept).to_string().contains(SECRET),
            "the history has it"
        );
        for role in ["runner", "operator"] {
            let client = stage.client(role).await;
            let called = row(&client, "SELECT invocation FROM dot.v_dot_contract_call").await;
            assert_eq!(called["invocation"]["variables"], variables, "{role}");
        }
    }
    set(
        &operator,
        json!({"argv": ["x"], "variables": {"TOKEN": SECRET, "MODE": "x"}}),
    )
    .await;
    let reader = stage.client("reader").await;
    let shown = row(&reader, "SELECT invocation FROM dot.v_dot_contract").await;
    let expected = json!({"argv": ["x"], "variables": {"TOKEN": "(hidden)", "MODE": "(hidden)"}});
    assert_eq!(shown["invocation"], expected);
    for plain in [
        json!({}),
        json!({"argv": ["x"], "variables": {}}),
        json!({"variables": null}),
    ] {
        set(&operator, plain.clone()).await;
        let shown = row(&reader, "SELECT invocation FROM dot.v_dot_contract").await;
        assert_eq!(shown["invocation"], plain);
    }
}

#[apply(on_each_version)]
async fn the_history_shows_that_a_value_changed(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, reader) = (stage.client("operator").await, stage.client("reader").await);
    for token in ["one", "one", "two"] {
        set(&operator, json!({"variables": {"TOKEN": token}})).await;
    }
    let query = "SELECT entry #>> '{invocation,variables,TOKEN}' AS token \
        FROM dot.v_dot_registry_history WHERE kind = 'contract' ORDER BY change_id";
    let tokens = rows(&reader, query).await;
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(tokens[1], tokens[2]);
    let digest = value(&reader, "SELECT 'sha256:' || encode(sha256('one'), 'hex')").await;
    assert_eq!(tokens[0]["token"], digest);
}

#[apply(on_each_version)]
async fn values_in_entries_of_an_earlier_release_are_hidden(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, reader) = (stage.superuser().await, stage.client("reader").await);
    for variables in [json!({"TOKEN": SECRET}), json!(SECRET), json!([SECRET])] {
        let entry = json!({"dot_code": PRODUCER, "invocation": {"variables": variables}});
        execute(&superuser, &format!("INSERT INTO dot.dot_registry_history (change_id, kind, key, entry, actor, changed_at) \
             VALUES (gen_random_uuid(), 'contract', 'k', {}, 'a', now())", literal(&entry.to_string()))).await;
    }
    let shown = rows(&reader, "SELECT entry FROM dot.v_dot_registry_history").await;
    assert!(!json!(shown).to_string().contains(SECRET), "{shown:?}");
}
