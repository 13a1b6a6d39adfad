//! Runs whose lease expired: the next acquirer or the reaper concludes them.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::queries::outcome;
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::run_calls::{begin, begun, ready, run_out};
use crate::common::{Backend, Call, code, execute, rows};

#[apply(on_each_backend)]
async fn taking_expired_lease_reaps_its_run(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let takers = [
        begin("DRY_RUN").sql(),
        Call::pair().sql(),
        Call::acquire(60).sql(),
        Call::new("fn_process_run_reap")
            .text("p_actor", "reaper")
            .sql(),
    ];
    for taker in takers {
        execute(
            &superuser,
            "UPDATE dot.dot_iu_runtime_lease SET released_at = clock_timestamp()",
        )
        .await;
        let run = begun(&runner, "REAL_RUN").await;
        run_out(&superuser).await;
        rows(&runner, &taker).await;
        assert_eq!(
            outcome(&runner, &run.run).await,
            json!({"status": "stuck", "verdict": null, "outcome": "unknown", "ended": true}),
            "{taker}"
        );
        // The old holder calls again.
        for call in [run.producer("REAL_RUN"), run.conclusion("completed")] {
            assert_eq!(code(&runner, &call.sql()).await, "run_concluded", "{taker}");
        }
    }
}

#[apply(on_each_version)]
async fn run_without_open_receipt_is_reaped_as_stuck_not_unknown(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    rows(&runner, &run.producer("REAL_RUN").sql()).await;
    run_out(&superuser).await;
    let reap = Call::new("fn_process_run_reap")
        .text("p_actor", "reaper")
        .sql();
    assert_eq!(
        rows(&runner, &reap).await,
        [json!({ "fn_process_run_reap": run.run })]
    );
    assert_eq!(rows(&runner, &reap).await, [] as [Value; 0]);
    assert_eq!(
        outcome(&runner, &run.run).await,
        json!({"status": "stuck", "verdict": null, "outcome": "not_concluded", "ended": true})
    );
}

#[apply(on_each_version)]
async fn expired_token_without_takeover_still_concludes(backend: Backend) {
    let (_stage, runner, operator, superuser) = ready(backend).await;
    let run = begun(&runner, "REAL_RUN").await;
    run_out(&superuser).await;
    assert_eq!(
        code(&runner, &run.producer("REAL_RUN").sql()).await,
        "lease_lost",
        "a component needs the live lease"
    );
    rows(&runner, &run.conclusion("stuck").sql()).await;
    // After a forced release the token concludes nothing; the next acquirer of the lease concludes the run.
    let run = begun(&runner, "REAL_RUN").await;
    let force = Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", "dot_exec:DOT_BACKUP")
        .text("p_actor", "operator")
        .text("p_reason", "hangs");
    rows(&operator, &force.sql()).await;
    assert_eq!(
        code(&runner, &run.conclusion("completed").sql()).await,
        "lease_lost"
    );
    rows(&runner, &Call::pair().sql()).await;
    assert_eq!(outcome(&runner, &run.run).await["status"], "stuck");
}
