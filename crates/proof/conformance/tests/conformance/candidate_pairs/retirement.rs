//! Retired tools and contracts are not called.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{complete_real_run, conclude, request, retire, rung};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{
    CANDIDATE, OTHER_PRODUCER, PRODUCER, VERIFIER, import, set_posture, tools,
};
use crate::common::run_calls::{Begun, begin, bind, ready};
use crate::common::{Backend, Call, TestContext, code, refused, row, rows, text, value};

#[apply(on_each_backend)]
async fn retired_tools_are_neither_run_nor_requested_and_their_history_stays(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    complete_real_run(&runner, CANDIDATE).await;
    for tool in [PRODUCER, VERIFIER] {
        assert_eq!(value(&operator, &retire(tool)).await, true);
        assert_eq!(value(&operator, &retire(tool)).await, false, "already");
        for mode in ["DRY_RUN", "REAL_RUN"] {
            let refusal = refused(&runner, &begin(mode).sql()).await;
            assert_eq!(refusal.code, "tool_retired", "{tool} {mode}");
            assert_eq!(refusal.detail["dot_code"], tool);
            assert_eq!(
                code(&runner, &request(mode, CANDIDATE)).await,
                "tool_retired"
            );
        }
        rows(&runner, &Call::pair().sql()).await;
        assert_eq!(
            rung(&runner, CANDIDATE).await["candidate_status_v3"],
            "verified_candidate"
        );
        let next = format!(
            "SELECT next_action FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{tool}'"
        );
        assert_eq!(text(&runner, &next).await, "nothing: it is retired");
        // An import with another status reactivates it.
        rows(&operator, &import(&tools()).sql()).await;
        let run = Begun::of(&row(&runner, &begin("REAL_RUN").sql()).await);
        conclude(&runner, &run).await;
    }
    for spelled in ["Retired", " RETIRED "] {
        let mut import_of = tools();
        import_of[0]["status"] = json!(spelled);
        rows(&operator, &import(&import_of).sql()).await;
        assert_eq!(
            code(&runner, &begin("REAL_RUN").sql()).await,
            "tool_retired",
            "{spelled:?}"
        );
    }
}

#[apply(on_each_backend)]
async fn a_retired_contract_is_not_called(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator) = (stage.client("runner").await, stage.client("operator").await);
    bind(&operator).await;
    set_posture(&operator, "REAL_RUN").await;
    let retire = |dot_code: &str, mode: &str| {
        Call::new("fn_dot_contract_retire")
            .text("p_dot_code", dot_code)
            .text("p_mode", mode)
            .text("p_actor", "operator")
            .text("p_reason", "replaced")
            .sql()
    };
    for (dot_code, mode, expected) in [
        ("DOT_NO", "REAL_RUN", "unknown_dot"),
        (PRODUCER, "MAYBE", "mode_invalid"),
        (OTHER_PRODUCER, "REAL_RUN", "contract_missing"),
    ] {
        assert_eq!(code(&operator, &retire(dot_code, mode)).await, expected);
    }
    assert_eq!(value(&operator, &retire(PRODUCER, "REAL_RUN")).await, true);
    assert_eq!(value(&operator, &retire(PRODUCER, "REAL_RUN")).await, false);
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "contract_missing"
    );
    row(&runner, &begin("DRY_RUN").sql()).await;
    let told = text(
        &operator,
        "SELECT entry ->> 'reason' FROM dot.v_dot_registry_history
         WHERE kind = 'contract' ORDER BY changed_at DESC LIMIT 1",
    )
    .await;
    assert_eq!(told, "replaced");
}
