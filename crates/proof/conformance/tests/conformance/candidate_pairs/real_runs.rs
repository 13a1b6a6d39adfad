//! Real runs and requests of undeclared pairs are refused.

use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::calls::{UNDECLARED_CANDIDATE, begin_for, conclude, declare, request, retire};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{
    CANDIDATE, OTHER_PRODUCER, PRODUCER, VERIFIER, import, register_candidate, tools,
};
use crate::common::run_calls::{Begun, begin, bind, ready};
use crate::common::{Backend, Call, TestContext, code, contents, refused, row, rows};

const NO_ROWS: [Value; 0] = [];

/// Begins a run with the batch function, as the wrapper does.
async fn begin_batch(runner: &Client, mode: &str, candidate: &str) -> Vec<Value> {
    let call = begin(mode)
        .text("p_process_candidate_code", candidate)
        .with("p_process_run_id", "gen_random_uuid()")
        .with("p_evidence_ref", "'{}'")
        .with("p_lease_ttl_seconds", "60");
    rows(
        runner,
        &Call::together("fn_process_run_begin_batch", &[&call]).sql(),
    )
    .await
}

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

#[apply(on_each_version)]
async fn batch_begin_skips_undeclared_pairs_and_retired_tools(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    register_candidate(&operator, UNDECLARED_CANDIDATE).await;
    // The batch function begins only pairs whose lease was acquired before.
    let run = Begun::of(&row(&runner, &begin("REAL_RUN").sql()).await);
    conclude(&runner, &run).await;
    for candidate in [UNDECLARED_CANDIDATE, "PROC-CAND:unregistered"] {
        assert_eq!(
            begin_batch(&runner, "REAL_RUN", candidate).await,
            NO_ROWS,
            "{candidate}"
        );
    }
    for tool in [VERIFIER, PRODUCER] {
        rows(&operator, &retire(tool)).await;
        for mode in ["DRY_RUN", "REAL_RUN"] {
            assert_eq!(
                begin_batch(&runner, mode, CANDIDATE).await,
                NO_ROWS,
                "{tool} {mode}"
            );
        }
        rows(&operator, &import(&tools()).sql()).await;
    }
    let dry = begin_batch(&runner, "DRY_RUN", UNDECLARED_CANDIDATE).await;
    conclude(&runner, &Begun::of(&dry[0])).await;
    let real = begin_batch(&runner, "REAL_RUN", CANDIDATE).await;
    assert_eq!(real.len(), 1);
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
