//! The rung of simulated runs shows no execution.

use rstest_reuse::apply;

use crate::common::backend::on_each_version;
use crate::common::fixtures::CANDIDATE;
use crate::common::run_calls::bind;
use crate::common::{Backend, Call, TestContext, row, rows};

#[apply(on_each_version)]
async fn simulation_of_any_status_reaches_the_simulated_rung(backend: Backend) {
    let stage = TestContext::new(backend).await;
    bind(&stage.client("operator").await).await;
    let ladder = format!(
        "SELECT candidate_status_v3, best_evidence_type, missing FROM dot.v_process_discovery_birth_readiness_v3
         WHERE process_candidate_code = '{CANDIDATE}'"
    );
    for status in ["prepared", "skipped", "failed", "completed"] {
        let mut observer = stage.client("observer").await;
        let before = row(&observer, &ladder).await;
        assert_eq!(before["candidate_status_v3"], "structural_candidate");
        let missing = before["missing"].as_str().unwrap();
        assert!(
            missing.contains("whatever its status") && missing.contains("shows no execution"),
            "{missing}"
        );
        let recording = observer.transaction().await.unwrap();
        rows(
            &recording,
            &Call::pair().text("p_wrapper_status", status).sql(),
        )
        .await;
        let after = row(&recording, &ladder).await;
        assert_eq!(
            after["candidate_status_v3"], "simulated_observed",
            "{status}"
        );
        assert_eq!(after["best_evidence_type"], "SIMULATED_DRY_RUN");
        recording.rollback().await.unwrap();
    }
}
