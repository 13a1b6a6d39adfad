//! Import of tools: reported changes, defaults, wrong entries and dry runs.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::entries::tool;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{LONE, OTHER_PRODUCER, PRODUCER, VERIFIER, import, tools};
use crate::common::{Backend, TestContext, code, contents, refused, row, rows, text};

/// The actions of an import, as `code action`.
async fn import_actions(client: &Client, tools: &Value) -> Vec<String> {
    let actions = rows(client, &import(tools).sql()).await;
    actions
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["dot_code"].as_str().unwrap(),
                row["action"].as_str().unwrap()
            )
        })
        .collect()
}

#[apply(on_each_backend)]
async fn import_reports_added_changed_and_kept_entries(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let kept: Vec<String> = import_actions(&operator, &tools()).await;
    assert!(
        kept.len() == 5 && kept.iter().all(|said| said.ends_with(" keep")),
        "{kept:?}"
    );
    let full = json!({"dot_code": "DOT_FULL", "name": "full", "tier": "B", "operation": "copy", "trigger_type": "cron", "execution_engine": "command",
        "script_path": "/bin/true", "status": "retired", "extra_metadata": {"a": [1]}});
    assert_eq!(
        import_actions(&operator, &json!([full, tool(LONE, None)])).await,
        ["DOT_FULL add", "DOT_LONE keep"]
    );
    let stored = row(&operator, "SELECT to_jsonb(t) - 'created_at' AS tool FROM dot.v_dot_tool t WHERE dot_code = 'DOT_FULL'").await;
    let mut expected = full.clone();
    expected["paired_dot"] = Value::Null;
    for unset in ["pair_role", "paused_by", "paused_until", "pause_reason"] {
        expected[unset] = Value::Null;
    }
    expected["lease_scope"] = json!("pair");
    assert_eq!(stored["tool"], expected);
    let mut changed = full;
    changed["name"] = json!("renamed");
    changed["tier"] = json!("A");
    let change = row(&operator, &import(&json!([changed])).sql()).await;
    assert_eq!(
        change,
        json!({"dot_code": "DOT_FULL", "action": "change", "detail": "name, tier"})
    );
    assert_eq!(
        text(
            &operator,
            "SELECT name FROM dot.v_dot_tool WHERE dot_code = 'DOT_FULL'"
        )
        .await,
        "renamed"
    );
}

#[apply(on_each_backend)]
async fn omitted_members_of_an_entry_get_defaults(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let stored = row(&operator, &format!("SELECT to_jsonb(t) - 'created_at' AS tool FROM dot.v_dot_tool t WHERE dot_code = '{LONE}'")).await;
    assert_eq!(
        stored["tool"],
        json!({"dot_code": LONE, "name": LONE, "tier": "A", "operation": "", "paired_dot": null, "pair_role": null, "trigger_type": "manual",
               "execution_engine": "none", "script_path": null, "status": "active", "extra_metadata": {},
               "lease_scope": "pair", "paused_by": null, "paused_until": null, "pause_reason": null})
    );
}

/// Wrong entries, and a word that the refusal's message contains.
fn wrong_tools() -> Vec<(Value, &'static str)> {
    let with = |key: &str, value: Value| {
        let mut tool = tool("DOT_X", None);
        tool[key] = value;
        tool
    };
    vec![
        (json!([{"name": "x", "tier": "A"}]), "dot_code"),
        (json!([with("dot_code", json!(""))]), "dot_code"),
        (json!([with("dot_code", json!("\u{a0}"))]), "dot_code"),
        (json!([with("dot_code", json!("a:b"))]), "colon"),
        (json!([with("dot_code", json!("x".repeat(201)))]), "200"),
        (json!([with("dot_code", json!(" x"))]), "white space"),
        (
            json!([tool("DOT_X", None), tool("DOT_X", None)]),
            "more than once",
        ),
        (json!([with("name", json!(" "))]), "name"),
        (json!([with("name", Value::Null)]), "name"),
        (json!([with("tier", json!("C"))]), "tier"),
        (json!([with("tier", Value::Null)]), "tier"),
        (
            json!([with("execution_engine", json!("ssh"))]),
            "execution_engine",
        ),
        (
            json!([with("extra_metadata", json!([1]))]),
            "extra_metadata",
        ),
        (json!([with("surprise", json!(1))]), "surprise"),
        (json!([with("pair_role", json!("producer"))]), "paired_dot"),
        (json!([with("paired_dot", json!("DOT_Y"))]), "pair_role"),
        (
            json!([tool("DOT_X", Some(("DOT_X", "producer")))]),
            "own pair",
        ),
        (json!([tool("DOT_X", Some(("DOT_Y", "producer")))]), "DOT_Y"),
        (
            json!([
                tool("DOT_X", Some(("DOT_Y", "referee"))),
                tool("DOT_Y", Some(("DOT_X", "verifier")))
            ]),
            "pair_role",
        ),
        (
            json!([
                tool("DOT_X", Some(("DOT_Y", "producer"))),
                tool("DOT_Y", Some(("DOT_X", "producer")))
            ]),
            "both",
        ),
        (
            json!([
                tool("DOT_X", Some(("DOT_Y", "producer"))),
                tool("DOT_Y", None)
            ]),
            "no pair",
        ),
        (
            json!([tool("DOT_X", Some((PRODUCER, "verifier")))]),
            VERIFIER,
        ),
        (
            json!([
                tool(PRODUCER, Some((OTHER_PRODUCER, "producer"))),
                tool(OTHER_PRODUCER, Some((PRODUCER, "verifier")))
            ]),
            "pair",
        ),
        (json!([tool(PRODUCER, None)]), VERIFIER),
    ]
}

#[apply(on_each_version)]
async fn a_wrong_entry_refuses_the_whole_import(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for (wrong, word) in wrong_tools() {
        let mut tools = wrong.clone();
        tools
            .as_array_mut()
            .unwrap()
            .insert(0, tool("DOT_GOOD", None));
        let refusal = refused(&operator, &import(&tools).sql()).await;
        assert_eq!(refusal.code, "tool_invalid", "{wrong}");
        assert!(
            refusal.message.contains(word),
            "{word:?} is not in {:?}",
            refusal.message
        );
        let dry = rows(&operator, &import(&tools).with("p_dry_run", "true").sql()).await;
        assert_eq!(dry[0]["action"], "add");
        assert!(
            dry.iter().any(|row| row["action"] == "refuse"),
            "a dry run reports refusals: {dry:?}"
        );
    }
    contents(&superuser)
        .await
        .assert_same(&before, "a refused import");
}

#[apply(on_each_version)]
async fn import_refuses_anything_but_an_array_of_objects(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for wrong in [
        "NULL",
        "'{}'",
        "'1'",
        "'null'",
        "'[1]'",
        "'[[]]'",
        "'[null]'",
        "'[\"x\"]'",
    ] {
        assert_eq!(
            code(
                &operator,
                &import(&json!([]))
                    .with("p_tools", format!("{wrong}::jsonb"))
                    .sql()
            )
            .await,
            "tool_invalid",
            "{wrong}"
        );
    }
    assert!(rows(&operator, &import(&json!([])).sql()).await.is_empty());
}

#[apply(on_each_backend)]
async fn dry_run_import_reports_the_same_and_writes_no_row(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    let tools = json!([tool("DOT_NEW", Some(("DOT_NEW_VERIFY", "producer"))), tool("DOT_NEW_VERIFY", Some(("DOT_NEW", "verifier"))), {"dot_code": LONE, "name": "renamed", "tier": "A"}]);
    let planned = rows(&operator, &import(&tools).with("p_dry_run", "true").sql()).await;
    contents(&superuser).await.assert_same(&before, "a dry run");
    let done = rows(&operator, &import(&tools).sql()).await;
    assert_eq!(planned, done);
}
