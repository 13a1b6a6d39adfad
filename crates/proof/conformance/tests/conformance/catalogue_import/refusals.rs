//! The refusals of a catalogue import, by code, and that a refused import writes no row.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::{answer, catalogue, import, plan, told};
use crate::common::backend::on_each_version;
use crate::common::{Backend, TestContext, code, contents, refused};

/// A change of the catalogue, the entry that is refused, and the code.
type Refused = (fn(&mut Value), &'static str, &'static str);

fn refusals() -> Vec<Refused> {
    vec![
        (
            |all| all["tool"][1]["tier"] = json!("C"),
            "tool DOT_PACK_TEST",
            "tool_invalid",
        ),
        (
            |all| all["candidate"][0]["code"] = json!(" "),
            "candidate  ",
            "candidate_required",
        ),
        (
            |all| all["candidate"][0]["owner"] = json!("x".repeat(201)),
            "candidate PROC-CAND:pack",
            "text_too_long",
        ),
        (
            |all| all["candidate"][0]["owner"] = json!("\u{200b}a"),
            "candidate PROC-CAND:pack",
            "text_invalid",
        ),
        (
            |all| all["candidate"][0]["name"] = json!("x"),
            "candidate PROC-CAND:pack",
            "tool_invalid",
        ),
        (
            |all| all["candidate"][0]["title"] = json!(7),
            "candidate PROC-CAND:pack",
            "tool_invalid",
        ),
        (
            |all| {
                all["candidate"] = json!([{"code": "PROC-CAND:a"}, {"code": "PROC-CAND:a"}]);
            },
            "candidate PROC-CAND:a",
            "tool_invalid",
        ),
        (
            |all| all["fixture"][0]["sha256"] = json!("0".repeat(64)),
            "fixture pack/empty",
            "fixture_digest_mismatch",
        ),
        (
            |all| all["fixture"] = json!([{"fixture_ref": "f"}]),
            "fixture f",
            "fixture_missing",
        ),
        (
            |all| all["fixture"][0]["file"] = json!("x.json"),
            "fixture pack/empty",
            "tool_invalid",
        ),
        (
            |all| all["contract"][0]["dot_code"] = json!("DOT_NOBODY"),
            "contract DOT_NOBODY DRY_RUN",
            "unknown_dot",
        ),
        (
            |all| all["contract"][0]["mode"] = json!("SOMETIMES"),
            "contract DOT_PACK SOMETIMES",
            "mode_invalid",
        ),
        (
            |all| all["contract"][0]["output_namespace"] = json!("NS:x"),
            "contract DOT_PACK DRY_RUN",
            "namespace_forbidden",
        ),
        (
            |all| all["contract"][0]["endpoint_ref"] = json!("tar"),
            "contract DOT_PACK DRY_RUN",
            "endpoint_missing",
        ),
        (
            |all| all["contract"][0]["fixture_ref"] = json!("pack/other"),
            "contract DOT_PACK DRY_RUN",
            "fixture_missing",
        ),
        (
            |all| all["contract"][0]["speed"] = json!(1),
            "contract DOT_PACK DRY_RUN",
            "contract_invalid",
        ),
        (
            |all| all["contract"][0]["timeout_ms"] = json!("soon"),
            "contract DOT_PACK DRY_RUN",
            "contract_invalid",
        ),
        (
            |all| all["contract"] = json!([{"mode": "DRY_RUN"}]),
            "contract entry 1",
            "unknown_dot",
        ),
    ]
}

#[apply(on_each_version)]
async fn one_refused_entry_rolls_back_the_whole_catalogue(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for (change, entry, expected) in refusals() {
        let mut wrong = catalogue();
        change(&mut wrong);
        let refusal = refused(&operator, &import(&wrong).sql()).await;
        assert_eq!(refusal.code, expected, "{entry}: {}", refusal.message);
        assert!(refusal.message.contains(entry), "{}", refusal.message);
        let named = &refusal.detail["refused"][0];
        let (kind, name) = entry.split_once(' ').unwrap();
        assert_eq!(
            (&named["kind"], &named["name"], &named["code"]),
            (&json!(kind), &json!(name), &json!(expected))
        );
        let planned = answer(&operator, &plan(&wrong)).await;
        let planned = planned.as_array().unwrap().iter();
        let refused: Vec<&Value> = planned
            .filter(|change| change["action"] == "refuse")
            .collect();
        assert_eq!(refused[0]["code"], expected);
        assert_eq!(refused[0]["entry"], named["entry"]);
        contents(&superuser)
            .await
            .assert_same(&before, &format!("{entry} ({expected})"));
    }
}

#[apply(on_each_version)]
async fn entries_that_depend_on_refused_entries_are_skipped(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    let mut wrong = catalogue();
    wrong["tool"][0]["tier"] = json!("C");
    wrong["fixture"][0]["body"] = json!("nothing");
    let planned = told(&answer(&operator, &plan(&wrong)).await);
    assert_eq!(
        planned[4],
        "contract DOT_PACK DRY_RUN skip not judged: the tools of the catalogue are refused"
    );
    let refusal = refused(&operator, &import(&wrong).sql()).await;
    assert_eq!(refusal.code, "tool_invalid");
    assert_eq!(refusal.detail["refused_count"], 2);
    wrong["tool"][0]["tier"] = json!("B");
    let planned = told(&answer(&operator, &plan(&wrong)).await);
    assert_eq!(
        planned[4],
        "contract DOT_PACK DRY_RUN skip not judged: its fixture is refused"
    );
}

#[apply(on_each_version)]
async fn catalogue_of_another_shape_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (operator, superuser) = (stage.client("operator").await, stage.superuser().await);
    let before = contents(&superuser).await;
    for wrong in [
        json!([]),
        json!("x"),
        json!({"tools": []}),
        json!({"tool": {}}),
        json!({"contract": ["x"]}),
        json!({"candidate": null}),
    ] {
        let refused = code(&operator, &import(&wrong).sql()).await;
        assert_eq!(refused, "tool_invalid", "{wrong}");
    }
    let missing = import(&json!({})).with("p_catalogue", "NULL");
    assert_eq!(code(&operator, &missing.sql()).await, "tool_invalid");
    let nobody = plan(&json!({})).text("p_actor", "\u{a0}");
    assert_eq!(code(&operator, &nobody.sql()).await, "actor_required");
    // More than are named.
    let many: Vec<Value> = (0..500)
        .map(|number| json!({"code": format!("{number} {}", "x".repeat(2000))}))
        .collect();
    let refusal = refused(&operator, &import(&json!({ "candidate": many })).sql()).await;
    assert_eq!(refusal.detail["refused_count"], 500);
    assert_eq!(refusal.detail["refused"].as_array().unwrap().len(), 20);
    assert!(refusal.detail.to_string().len() + refusal.message.len() < 40_000);
    contents(&superuser)
        .await
        .assert_same(&before, "wrong shapes");
    assert_eq!(answer(&operator, &import(&json!({}))).await, json!([]));
}
