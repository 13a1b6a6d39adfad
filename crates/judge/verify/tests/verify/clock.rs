//! A clock change between the steps of an honest run violates no check.

use dotwrap_testkit::Version;

use crate::support::{each_on_its_own, findings, judge, used_ledger};

/// Each: which rows were written while the clock was three seconds, or an hour, behind.
const STEPS: [&str; 6] = [
    // Between the components and the conclusion.
    "UPDATE dot.process_run_conclusion SET concluded_at = concluded_at - interval '3 seconds'",
    "UPDATE dot.process_run_conclusion SET concluded_at = concluded_at - interval '1 hour'",
    // Between the producer's receipt and everything that follows it.
    "UPDATE dot.process_component_observation SET created_at = created_at - interval '3 seconds' WHERE invocation_id IS NOT NULL;
     UPDATE dot.process_run_conclusion SET concluded_at = concluded_at - interval '3 seconds'",
    // Between the producer's output and the verifier's receipt; the receipt's id is of the same clock.
    "UPDATE dot.dot_invocation SET begun_at = begun_at - interval '3 seconds' WHERE component_role = 'verifier'",
    // Before a gate is closed: the newest change is older than the opening by the clock, and so is its id.
    "UPDATE dot.dot_config_history SET changed_at = changed_at - interval '50 minutes' WHERE value = 'false' AND key = 'process_dot_runtime.real_run_enabled';
     UPDATE dot.dot_config SET updated_at = updated_at - interval '50 minutes' WHERE key = 'process_dot_runtime.real_run_enabled'",
    // After an event type was switched on.
    "UPDATE dot.event_outbox SET occurred_at = occurred_at - interval '50 minutes'",
];

#[tokio::test]
async fn clock_change_violates_no_check() {
    for step in STEPS {
        let database = used_ledger(Version::V15).await;
        each_on_its_own(&database.superuser().await, step).await;
        let report = judge(&database).await;
        assert!(report.is_clean(), "{step}: {:#?}", findings(&report));
    }
}
