//! Invisible texts, and texts that change the display of other text, are refused as names and reasons.

use rstest_reuse::apply;
use serde_json::json;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{LONE, PRODUCER, VERIFIER, import};
use crate::common::{Backend, Call, TestContext, code, number, refused, rows, value};

#[apply(on_each_version)]
async fn candidate_of_a_tools_metadata_is_checked_as_a_name(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for candidate in [
        "PROC\u{202e}CAND",
        "PROC\u{200b}",
        " PROC",
        "\u{301}a",
        "e\u{301}",
    ] {
        let tools = json!([
            {"dot_code": PRODUCER, "name": "b", "tier": "B", "paired_dot": VERIFIER, "pair_role": "producer",
             "extra_metadata": {"process_candidate_code": candidate}},
        ]);
        let refusal = refused(&operator, &import(&tools).sql()).await;
        assert_eq!(refusal.code, "tool_invalid");
        assert!(
            refusal.message.contains("process_candidate_code"),
            "{}",
            refusal.message
        );
    }
    let declared = "SELECT count(*) FROM dot.v_process_candidate_pair";
    assert_eq!(number(&operator, declared).await, 2);
}

#[apply(on_each_version)]
async fn reason_without_visible_character_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for reason in [
        "\u{200b}",
        "\u{2800}",
        "\u{3164}",
        "\u{ad}",
        "\u{feff}",
        "\u{e0020}",
        " \u{200b}\u{a0}\u{2060} ",
        "\u{fffc}",
    ] {
        for call in [
            Call::gate("process_dot_runtime.execute_enabled", "true").text("p_reason", reason),
            Call::new("fn_dot_tool_retire")
                .text("p_dot_code", LONE)
                .text("p_actor", "operator")
                .text("p_reason", reason),
        ] {
            assert_eq!(
                code(&operator, &call.sql()).await,
                "text_invalid",
                "{reason:?}"
            );
        }
    }
    // Something to see among it is enough, also without a letter of ASCII.
    for reason in [
        "\u{200d}\u{1f468}\u{200d}\u{1f469}",
        "ok\u{200b}",
        "Wartung beendet",
        "完了",
    ] {
        let call =
            Call::gate("process_dot_runtime.execute_enabled", "false").text("p_reason", reason);
        assert!(
            value(&operator, &call.sql()).await.is_string(),
            "{reason:?}"
        );
    }
}

#[apply(on_each_version)]
async fn names_with_invisible_characters_or_a_leading_combining_mark_are_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let observer = stage.client("observer").await;
    for (name, code_point) in [
        ("a\u{fffc}", "U+FFFC"),
        ("a\u{1d159}", "U+1D159"),
        ("a\u{e000}", "U+E000"),
        ("a\u{f8ff}", "U+F8FF"),
        ("a\u{f0000}", "U+F0000"),
        ("a\u{10fffd}", "U+10FFFD"),
        ("\u{301}a", "U+0301"),
        ("\u{651}a", "U+0651"),
        ("\u{e31}a", "U+0E31"),
        ("\u{20dd}a", "U+20DD"),
        ("\u{1d165}a", "U+1D165"),
    ] {
        let refusal = refused(&observer, &Call::pair().text("p_actor", name).sql()).await;
        assert_eq!(refusal.code, "text_invalid", "{name:?}");
        assert_eq!(refusal.detail["code_point"], code_point);
    }
    // A mark on a letter that has no composed form is part of a name.
    rows(&observer, &Call::pair().text("p_actor", "x\u{301}y").sql()).await;
    rows(&observer, &Call::pair().text("p_actor", "ที่").sql()).await;
}

/// However a status is shown, what reads "retired" is retired or refused.
#[apply(on_each_version)]
async fn status_with_invisible_characters_is_refused(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    for status in ["retired\t", "retired\u{a0}", "Retired\n", "\u{200b}retired"] {
        let tools = json!([{"dot_code": LONE, "name": "l", "tier": "A", "status": status}]);
        assert_eq!(
            code(&operator, &import(&tools).sql()).await,
            "tool_invalid",
            "{status:?}"
        );
    }
    let tools = json!([{"dot_code": LONE, "name": "l", "tier": "A", "status": " Retired "}]);
    rows(&operator, &import(&tools).sql()).await;
    let retired = "SELECT count(*) FROM dot.v_dot_tool WHERE lower(btrim(status)) = 'retired'";
    assert_eq!(number(&operator, retired).await, 1);
}
