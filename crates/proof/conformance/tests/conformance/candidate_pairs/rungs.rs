//! The rung of a candidate depends on its declared and inferred pairs.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::calls::{complete_real_run, declare, remove, rung};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::{CANDIDATE, OTHER_PRODUCER, PRODUCER, register_candidate};
use crate::common::forged_run::ExecutedRun;
use crate::common::run_calls::{Begun, begin, ready};
use crate::common::{Backend, TestContext, code, execute, row, rows, text};

fn expected_rung(rung: &str, has_inferred_pair: bool) -> Value {
    json!({"candidate_status_v3": rung, "has_inferred_pair": has_inferred_pair})
}

#[apply(on_each_backend)]
async fn removing_a_pair_lowers_its_rung_and_declaring_it_restores_it(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    complete_real_run(&runner, CANDIDATE).await;
    let verified = expected_rung("verified_candidate", false);
    assert_eq!(rung(&runner, CANDIDATE).await, verified);
    let change = text(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(change, "removed");
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        expected_rung("structural_candidate", false),
        "another producer is declared for it, and proves nothing"
    );
    let shown = "SELECT count(*)::text FROM dot.v_process_discovery_verified_candidates_v3";
    assert_eq!(text(&runner, shown).await, "0");
    let again = text(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(again, "absent");
    assert_eq!(
        code(&runner, &begin("REAL_RUN").sql()).await,
        "candidate_pair_mismatch"
    );
    let change = text(&operator, &declare(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(change, "declared");
    assert_eq!(rung(&runner, CANDIDATE).await, verified);
    let again = text(&operator, &declare(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(again, "kept");
}

#[apply(on_each_version)]
async fn run_of_a_pair_removed_meanwhile_is_no_proof(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let run = Begun::of(&row(&runner, &begin("REAL_RUN").sql()).await);
    rows(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    let receipt = text(&runner, &run.invocation().sql()).await;
    rows(&runner, &run.verifier("REAL_RUN", &receipt, "pass").sql()).await;
    let conclusion = run.conclusion("completed").text("p_verdict", "pass");
    rows(&runner, &conclusion.sql()).await;
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        expected_rung("structural_candidate", false)
    );
}

#[apply(on_each_version)]
async fn rows_of_an_undeclared_pair_are_no_proof(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let (superuser, operator) = (stage.superuser().await, stage.client("operator").await);
    register_candidate(&operator, CANDIDATE).await;
    rows(&operator, &remove(CANDIDATE, PRODUCER).sql()).await;
    execute(&superuser, &ExecutedRun::truthful().sql()).await;
    assert_eq!(
        rung(&operator, CANDIDATE).await,
        expected_rung("structural_candidate", false)
    );
    rows(&operator, &declare(CANDIDATE, PRODUCER).sql()).await;
    assert_eq!(
        rung(&operator, CANDIDATE).await,
        expected_rung("verified_candidate", false)
    );
}

#[apply(on_each_backend)]
async fn inferred_pair_counts_and_can_be_confirmed(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    execute(
        &superuser,
        "UPDATE dot.process_candidate_pair SET is_inferred = true, declared_by = 'dotwrap'",
    )
    .await;
    complete_real_run(&runner, CANDIDATE).await;
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        expected_rung("verified_candidate", true)
    );
    for producer in [PRODUCER, OTHER_PRODUCER] {
        let confirm = declare(CANDIDATE, producer).text("p_reason", "looked at");
        assert_eq!(text(&operator, &confirm.sql()).await, "confirmed");
    }
    assert_eq!(
        rung(&runner, CANDIDATE).await,
        expected_rung("verified_candidate", false)
    );
    let told = row(
        &operator,
        "SELECT entry, actor, recorded_by FROM dot.v_dot_registry_history
         WHERE kind = 'candidate_pair' AND key = 'PROC-CAND:dot:backup DOT_COPY' ORDER BY changed_at DESC LIMIT 1",
    )
    .await;
    assert_eq!(told["entry"]["reason"], "looked at");
    assert_eq!(told["entry"]["is_declared"], true);
    assert_eq!(told["entry"]["is_inferred"], false);
    assert_eq!(told["recorded_by"], "dot_operator");
}
