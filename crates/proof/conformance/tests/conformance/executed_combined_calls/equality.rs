//! A combined call writes the same rows and counts as its two single calls.

use rstest_reuse::apply;
use serde_json::{Value, json};

use super::calls::{CombinedCall, MODE, activate_events, run_with_producer, stored_rows};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::run_calls::{Begun, DIGEST, begin, begun, ready, run_out};
use crate::common::{Backend, Call, row, rows, text};

#[apply(on_each_backend)]
async fn combined_call_equals_two_calls(backend: Backend) {
    // Each evidence type and verdict, with the single calls and with the combined call.
    for (evidence, verdict) in [
        (MODE, "pass"),
        (MODE, "fail"),
        ("SIMULATED_DRY_RUN", "pass"),
    ] {
        let mut found = Vec::new();
        for together in [false, true] {
            let (_stage, runner, operator, superuser) = ready(backend).await;
            activate_events(&operator, &superuser).await;
            let run = begun(&runner, MODE).await;
            let over = CombinedCall::record_producer(&run)
                .first("p_output_ref", "'file:///out'")
                .first(
                    "p_evidence_ref",
                    r#"'{"a": 1, "no_execute": true, "actor": "nobody"}'"#,
                );
            let receipt = if together {
                text(&runner, &over.combined.sql()).await
            } else {
                text(&runner, &over.separate_sql()).await
            };
            let between = stored_rows(&superuser).await;
            let finish = CombinedCall::record_verifier(&run, &receipt)
                .first("p_evidence_type", &format!("'{evidence}'"))
                .first("p_verdict", &format!("'{verdict}'"))
                .second("p_output_ref", "p_run_output_ref", "'file:///out'")
                .second(
                    "p_evidence_ref",
                    "p_run_evidence_ref",
                    r#"'{"posture": "?"}'"#,
                );
            let query = if together {
                finish.combined.sql()
            } else {
                finish.separate_sql()
            };
            rows(&runner, &query).await;
            found.push((between, stored_rows(&superuser).await));
        }
        let together = found.pop().unwrap();
        assert_eq!(found.pop().unwrap(), together, "{evidence} {verdict}");
    }
}

#[apply(on_each_version)]
async fn a_run_is_counted_once_whether_it_is_open_or_concluded(backend: Backend) {
    let (_stage, runner, _operator, superuser) = ready(backend).await;
    let counts = "SELECT run_count, real_run_count, dry_run_count, simulated_count, component_count FROM dot.v_process_discovery_runtime_observed";
    let counted = |runs: i64, real: i64, dry: i64, simulated: i64, components: i64| json!({"run_count": runs, "real_run_count": real, "dry_run_count": dry, "simulated_count": simulated, "component_count": components});
    let run = begun(&runner, MODE).await;
    assert_eq!(row(&runner, counts).await, counted(1, 0, 0, 0, 0));
    let receipt = text(&runner, &CombinedCall::record_producer(&run).combined.sql()).await;
    assert_eq!(row(&runner, counts).await, counted(1, 1, 0, 0, 1));
    // The verifier was a mock: the run counts under both evidence types.
    let mock = CombinedCall::record_verifier(&run, &receipt)
        .first("p_evidence_type", "'SIMULATED_DRY_RUN'");
    rows(&runner, &mock.combined.sql()).await;
    assert_eq!(row(&runner, counts).await, counted(1, 1, 0, 1, 2));
    // Two runs that are counted on the lease, with pairs of another evidence type between them.
    for (runs, simulated) in [(3, 2), (5, 3)] {
        let (run, receipt) = run_with_producer(&runner).await;
        rows(
            &runner,
            &CombinedCall::record_verifier(&run, &receipt).combined.sql(),
        )
        .await;
        rows(&runner, &Call::pair().sql()).await;
        assert_eq!(
            row(&runner, counts).await,
            counted(runs, runs - simulated + 1, 0, simulated, 2 * runs)
        );
    }
    // A run without a conclusion, whose lease expires and is acquired again.
    let left = row(&runner, &begin(MODE).sql()).await;
    let left = Begun::of(&left);
    run_out(&superuser).await;
    rows(&runner, &Call::pair().sql()).await;
    assert_eq!(row(&runner, counts).await, counted(7, 3, 0, 4, 12));
    let status = format!(
        "SELECT status FROM dot.v_process_run WHERE process_run_id = '{}'",
        left.run
    );
    assert_eq!(text(&runner, &status).await, "stuck");
}

#[apply(on_each_version)]
async fn reader_sees_the_outcome_of_each_receipt(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let reader = stage.client("reader").await;
    let receipts = "SELECT component_role, input_digest, state FROM dot.v_dot_invocation ORDER BY component_role";
    let producer =
        |state: &str| json!({"component_role": "producer", "input_digest": null, "state": state});
    let verifier =
        |state: &str| json!({"component_role": "verifier", "input_digest": DIGEST, "state": state});
    assert_eq!(rows(&reader, receipts).await, [] as [Value; 0]);
    let run = begun(&runner, MODE).await;
    assert_eq!(rows(&reader, receipts).await, [producer("open")]);
    text(&runner, &CombinedCall::record_producer(&run).combined.sql()).await;
    assert_eq!(
        rows(&reader, receipts).await,
        [producer("recorded"), verifier("open")]
    );
    // The lease expired: the verifier's outcome is unknown.
    run_out(&superuser).await;
    let reap = Call::new("fn_process_run_reap").text("p_actor", "tester");
    rows(&runner, &reap.sql()).await;
    assert_eq!(
        rows(&reader, receipts).await,
        [producer("recorded"), verifier("unknown")]
    );
}
