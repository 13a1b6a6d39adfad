//! Consistent ledgers have no violation.

use dotwrap_testkit::{TestDatabase, Version};

use crate::restored::GOING_ON;
use crate::support::{each_on_its_own, findings, judge, used_ledger};

#[tokio::test]
async fn fresh_ledger_has_no_violations() {
    for version in Version::ALL {
        let report = judge(&TestDatabase::create(version).await).await;
        assert!(findings(&report).is_empty(), "{:#?}", findings(&report));
        assert!(report.is_clean());
    }
}

#[tokio::test]
async fn ledger_after_varied_use_has_no_violation() {
    for version in Version::ALL {
        let database = used_ledger(version).await;
        let report = judge(&database).await;
        assert!(findings(&report).is_empty(), "{:#?}", findings(&report));
        // The proof is there, so that the checks of the ladder had something to agree on.
        let rungs = database.superuser().await;
        let rungs = rungs
            .query("SELECT process_candidate_code, candidate_status_v3 FROM dot.v_process_discovery_candidate_status_v3 ORDER BY 1", &[])
            .await
            .unwrap();
        let rungs: Vec<(String, String)> =
            rungs.iter().map(|row| (row.get(0), row.get(1))).collect();
        let rungs: Vec<_> = rungs
            .iter()
            .map(|(c, r)| (c.as_str(), r.as_str()))
            .collect();
        assert_eq!(
            rungs,
            [
                ("PROC:copy", "birth_ready"),
                ("PROC:headers", "structural_candidate"),
                ("PROC:nobodys", "simulated_observed"),
                ("PROC:old", "backfilled_observed"),
                ("PROC:pack", "dry_run_observed"),
                ("PROC:unobserved", "structural_candidate"),
            ]
        );
    }
}

/// The verifier's answer says that it is a mock: the run has no verdict in the view, and that is the rule's view too.
#[tokio::test]
async fn real_run_with_a_mock_verifier_has_no_violation() {
    for version in Version::ALL {
        let database = used_ledger(version).await;
        let client = database.superuser().await;
        let pretended = GOING_ON.replace(
            "'verifier', 'corr-r', 'ann', 'REAL_RUN'",
            "'verifier', 'corr-r', 'ann', 'SIMULATED_DRY_RUN'",
        );
        assert_ne!(pretended, GOING_ON);
        each_on_its_own(&client, &pretended).await;
        let report = judge(&database).await;
        assert!(findings(&report).is_empty(), "{:#?}", findings(&report));
    }
}
