//! Import of a whole catalogue in one call, all or nothing.

mod refusals;
mod waits;

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::{Backend, Call, TestContext, contents, number, row, rows, text, value};

const DIGEST_OF_OBJECT: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// A pair, its candidate, a fixture and a contract that names the pair and the fixture.
fn catalogue() -> Value {
    json!({
        "tool": [
            {"dot_code": "DOT_PACK", "name": "Pack", "tier": "B", "paired_dot": "DOT_PACK_TEST", "pair_role": "producer",
             "execution_engine": "command", "extra_metadata": {"process_candidate_code": "PROC-CAND:pack"}},
            {"dot_code": "DOT_PACK_TEST", "name": "Test", "tier": "A", "paired_dot": "DOT_PACK", "pair_role": "verifier"},
        ],
        "candidate": [{"code": "PROC-CAND:pack", "title": "Packs", "owner": "ann"}],
        "fixture": [{"fixture_ref": "pack/empty", "body": "{}", "sha256": DIGEST_OF_OBJECT}],
        "contract": [{"dot_code": "DOT_PACK", "mode": "DRY_RUN", "endpoint_ref": "command:tar", "no_mutation_assertion": true,
                      "output_namespace": "DRYRUN-NS:pack", "fixture_ref": "pack/empty",
                      "invocation": {"argv": ["tar"], "variables": {"KEY": "secret"}}}],
    })
}

fn import(catalogue: &Value) -> Call {
    let catalogue = crate::common::literal(&catalogue.to_string());
    Call::new("fn_dot_catalogue_import")
        .with("p_catalogue", format!("{catalogue}::jsonb"))
        .text("p_actor", "olga")
}

fn plan(catalogue: &Value) -> Call {
    import(catalogue).with("p_dry_run", "true")
}

/// What an import answers, as `kind name action detail`.
fn told(plan: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let changes = plan.as_array().unwrap().iter();
    changes
        .map(|change| {
            ["kind", "name", "action", "detail"]
                .map(|field| text(&change[field]))
                .join(" ")
        })
        .collect()
}

async fn answer(client: &Client, call: &Call) -> Value {
    value(client, &call.sql()).await
}

const ADDED: [&str; 5] = [
    "tool DOT_PACK add -",
    "tool DOT_PACK_TEST add -",
    "candidate PROC-CAND:pack add -",
    "fixture pack/empty add -",
    "contract DOT_PACK DRY_RUN add -",
];

#[apply(on_each_backend)]
async fn import_writes_entries_with_history_and_reimport_changes_none(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let first = answer(&operator, &import(&catalogue())).await;
    assert_eq!(told(&first), ADDED);
    assert_eq!(first[4]["contract"]["role"], "producer");
    assert_eq!(first[4]["contract"]["timeout_ms"], 60_000);
    assert_eq!(first[4]["execution_engine"], "command");
    assert_eq!(
        (&first[4]["entry"], &first[1]["entry"]),
        (&json!(1), &json!(2))
    );
    let history = "SELECT kind, key, actor, recorded_by = 'dot_operator' AS is_operator FROM dot.v_dot_registry_history
        WHERE actor = 'olga' ORDER BY kind, key";
    let note = |kind: &str, key: &str| json!({"kind": kind, "key": key, "actor": "olga", "is_operator": true});
    assert_eq!(
        rows(&operator, history).await,
        [
            note("candidate", "PROC-CAND:pack"),
            note("candidate_pair", "PROC-CAND:pack DOT_PACK"),
            note("contract", "DOT_PACK DRY_RUN"),
            note("fixture", "pack/empty"),
            note("tool", "DOT_PACK"),
            note("tool", "DOT_PACK_TEST"),
        ]
    );
    let secret =
        "SELECT count(*) FROM dot.dot_registry_history WHERE entry::text LIKE '%\"secret\"%'";
    assert_eq!(number(&superuser, secret).await, 0);

    let after = contents_but_the_count_of_changes(&superuser).await;
    let second = answer(&operator, &import(&catalogue())).await;
    let kept = ADDED.map(|line| line.replace(" add ", " keep "));
    assert_eq!(told(&second), kept);
    assert_eq!(contents_but_the_count_of_changes(&superuser).await, after);
}

/// The registry's rows; each import counts as a change, also one that keeps everything.
async fn contents_but_the_count_of_changes(superuser: &Client) -> Value {
    let tables = [
        "dot_tools",
        "process_candidate",
        "process_candidate_pair",
        "dot_fixture",
        "dot_agent_api_contract",
        "dot_registry_history",
    ];
    let columns = tables.map(|table| {
        format!("(SELECT jsonb_agg(to_jsonb(t) ORDER BY t::text) FROM dot.{table} t) AS {table}")
    });
    row(superuser, &format!("SELECT {}", columns.join(", "))).await
}

#[apply(on_each_backend)]
async fn changes_list_their_columns_and_dry_run_writes_no_row(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    assert_eq!(told(&answer(&operator, &plan(&catalogue())).await), ADDED);
    contents(&superuser).await.assert_same(&before, "a dry run");

    rows(&operator, &import(&catalogue()).sql()).await;
    let mut changed = catalogue();
    changed["tool"][0]["name"] = json!("Pack it");
    changed["candidate"] = json!([{"code": "PROC-CAND:pack", "owner": " "}]);
    changed["fixture"][0]["body"] = json!("[]");
    changed["fixture"][0]["sha256"] =
        json!("4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
    changed["contract"][0]["timeout_ms"] = json!(5);
    changed["contract"][0]["contract_status"] = json!("retired");
    let expected = [
        "tool DOT_PACK change name",
        "tool DOT_PACK_TEST keep -",
        "candidate PROC-CAND:pack change owner",
        "fixture pack/empty change body, sha256",
        "contract DOT_PACK DRY_RUN change contract_status, timeout_ms",
    ];
    let before = contents(&superuser).await;
    assert_eq!(told(&answer(&operator, &plan(&changed)).await), expected);
    contents(&superuser).await.assert_same(&before, "a dry run");
    assert_eq!(told(&answer(&operator, &import(&changed)).await), expected);
    let title =
        "SELECT title FROM dot.v_process_candidate WHERE process_candidate_code = 'PROC-CAND:pack'";
    assert_eq!(text(&operator, title).await, "Packs");
}

#[apply(on_each_version)]
async fn unregistered_candidate_of_a_producer_is_a_warning(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let planned = answer(&operator, &plan(&catalogue())).await;
    assert_eq!(planned[0]["warning"], Value::Null);
    let mut without = catalogue();
    without["candidate"] = json!([]);
    let warned = "its candidate PROC-CAND:pack is not registered: real runs for it are refused";
    for call in [plan(&without), import(&without), import(&without)] {
        let done = answer(&operator, &call).await;
        assert_eq!(done[0]["warning"], warned);
        assert_eq!(done[1]["warning"], Value::Null);
    }
}

#[apply(on_each_version)]
async fn only_operators_import_a_catalogue(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    let before = contents(&superuser).await;
    for role in ["archiver", "observer", "reader", "relay", "runner"] {
        let client = stage.client(role).await;
        for call in [import(&catalogue()), plan(&catalogue())] {
            let error = crate::common::ask(&client, &call.sql()).await.unwrap_err();
            let state = error.code().map(|state| state.code().to_owned());
            assert_eq!(state.as_deref(), Some("42501"), "{role}");
        }
    }
    contents(&superuser).await.assert_same(&before, "others");
}
