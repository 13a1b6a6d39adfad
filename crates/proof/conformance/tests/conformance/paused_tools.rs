//! Paused tools: no run begins, and requests wait.

use rstest_reuse::apply;

use crate::common::backend::on_each_version;
use crate::common::fixtures::{PRODUCER, VERIFIER};
use crate::common::run_calls::{begin, begun, ready};
use crate::common::{Backend, Call, code, execute, rows, value};

fn pause(dot_code: &str) -> Call {
    Call::new("fn_dot_tool_pause")
        .text("p_dot_code", dot_code)
        .text("p_actor", "ana")
        .text("p_reason", "its disk is replaced")
}

fn resume(dot_code: &str) -> String {
    Call::new("fn_dot_tool_resume")
        .text("p_dot_code", dot_code)
        .text("p_actor", "ana")
        .sql()
}

#[apply(on_each_version)]
async fn paused_pair_begins_no_run_and_no_claim(backend: Backend) {
    let (_stage, runner, operator, _superuser) = ready(backend).await;
    let request = Call::new("fn_dot_run_request")
        .text("p_dot_code", PRODUCER)
        .text("p_process_candidate_code", "PROC-CAND:dot:backup")
        .text("p_correlation_id", "c")
        .text("p_actor", "a")
        .text("p_mode", "REAL_RUN")
        .sql();
    let claim = Call::new("fn_dot_run_request_claim")
        .text("p_runner", "w")
        .with("p_ttl_seconds", "60")
        .sql();
    for dot_code in [PRODUCER, VERIFIER] {
        rows(&operator, &pause(dot_code).sql()).await;
        assert_eq!(code(&runner, &begin("REAL_RUN").sql()).await, "tool_paused");
        // Asking is allowed; the request waits.
        rows(&runner, &request).await;
        assert_eq!(rows(&runner, &claim).await.len(), 0, "{dot_code}");
        assert_eq!(value(&operator, &resume(dot_code)).await, true);
        assert_eq!(value(&operator, &resume(dot_code)).await, false);
    }
    assert_eq!(rows(&runner, &claim).await.len(), 1);
}

#[apply(on_each_version)]
async fn a_pause_ends_by_itself(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let short = pause(PRODUCER).with("p_until", "clock_timestamp() + interval '1 hour'");
    rows(&operator, &short.sql()).await;
    assert_eq!(code(&runner, &begin("REAL_RUN").sql()).await, "tool_paused");
    execute(
        &superuser,
        "UPDATE dot.dot_tools SET paused_until = clock_timestamp() WHERE paused_until IS NOT NULL",
    )
    .await;
    begun(&runner, "REAL_RUN").await;
    let past = pause(PRODUCER).with("p_until", "clock_timestamp() - interval '1 hour'");
    assert_eq!(code(&operator, &past.sql()).await, "expiry_invalid");
    let unsaid = pause(PRODUCER).text("p_reason", " ");
    assert_eq!(code(&operator, &unsaid.sql()).await, "reason_required");
}
