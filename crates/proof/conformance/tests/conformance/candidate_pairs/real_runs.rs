//! Real runs and requests of undeclared pairs are refused.

use rstest_reuse::apply;
use serde_json::json;

use super::calls::{UNDECLARED_CANDIDATE, begin_for, conclude, declare, request};
use crate::common::backend::on_each_backend;
use crate::common::fixtures::{CANDIDATE, OTHER_PRODUCER, PRODUCER, register_candidate};
use crate::common::run_calls::{Begun, bind, ready};
use crate::common::{Backend, Call, TestContext, code, contents, refused, row, rows};

#[apply(on_each_backend)]
async fn begin_refuses_a_real_run_for_an_unregistered_candidate(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let before = contents(&superuser).await;
    let typo = format!("{CANDIDATE}s");
    let refusal = refused(&runner, &begin_for("REAL_RUN", &typo)).await;
    assert_eq!(refusal.code, "candidate_unknown");
    assert_eq!(refusal.detail["process_candidate_code"], typo);
    for (near, expected) in [
        (CANDIDATE.to_lowercase(), "candidate_unknown"),
        (format!("{CANDIDATE} "), "text_invalid"),
        (format!("{CANDIDATE}\u{a0}"), "text_invalid"),
    ] {
        assert_eq!(
            code(&runner, &begin_for("REAL_RUN", &near)).await,
            expected,
            "{near:?}"
        );
    }
    contents(&superuser).await.assert_same(&before, "a refusal");
    // A dry run may name any candidate.
    row(&runner, &begin_for("DRY_RUN", &typo)).await;
}

#[apply(on_each_backend)]
async fn begin_refuses_a_real_run_for_an_undeclared_candidate(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    register_candidate(&operator, UNDECLARED_CANDIDATE).await;
    let before = contents(&superuser).await;
    let refusal = refused(&runner, &begin_for("REAL_RUN", UNDECLARED_CANDIDATE)).await;
    assert_eq!(refusal.code, "candidate_pair_mismatch");
    assert_eq!(refusal.detail["declared_for"], json!([CANDIDATE]));
    contents(&superuser).await.assert_same(&before, "a refusal");
    // A declaration for another producer does not count.
    rows(
        &operator,
        &declare(UNDECLARED_CANDIDATE, OTHER_PRODUCER).sql(),
    )
    .await;
    assert_eq!(
        code(&runner, &begin_for("REAL_RUN", UNDECLARED_CANDIDATE)).await,
        "candidate_pair_mismatch"
    );
    let dry = Begun::of(&row(&runner, &begin_for("DRY_RUN", UNDECLARED_CANDIDATE)).await);
    conclude(&runner, &dry).await;
    let simulated = Call::pair().text("p_process_candidate_code", UNDECLARED_CANDIDATE);
    rows(&runner, &simulated.sql()).await;
    rows(&operator, &declare(UNDECLARED_CANDIDATE, PRODUCER).sql()).await;
    row(&runner, &begin_for("REAL_RUN", UNDECLARED_CANDIDATE)).await;
}

#[apply(on_each_backend)]
async fn request_refuses_real_runs_of_undeclared_pairs(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (runner, operator) = (stage.client("runner").await, stage.client("operator").await);
    bind(&operator).await;
    register_candidate(&operator, UNDECLARED_CANDIDATE).await;
    assert_eq!(
        code(&runner, &request("REAL_RUN", "PROC-CAND:typo")).await,
        "candidate_unknown"
    );
    assert_eq!(
        code(&runner, &request("REAL_RUN", UNDECLARED_CANDIDATE)).await,
        "candidate_pair_mismatch"
    );
    rows(&runner, &request("DRY_RUN", "PROC-CAND:typo")).await;
    rows(&runner, &request("REAL_RUN", CANDIDATE)).await;
}
