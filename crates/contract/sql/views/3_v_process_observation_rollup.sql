-- The counts of status pages, in parts that readers add up: the rollup's slots, and what whole pairs left on their leases.
CREATE OR REPLACE VIEW v_process_observation_rollup AS
SELECT r.process_candidate_code, r.dot_code, r.slot, r.run_count, r.real_run_count, r.dry_run_count, r.simulated_count, r.backfilled_count,
  r.component_count, r.last_observed_at, r.producer_observed_at, r.producer_evidence_type, r.producer_run_id, r.producer_best,
  r.verifier_dot_code, r.verifier_observed_at, r.verifier_evidence_type, r.verifier_run_id, r.verifier_best
FROM process_observation_rollup r
UNION ALL
SELECT l.observed_candidate, substr(l.lease_name, length('dot_exec:') + 1), 'lease', l.observed_runs, 0, 0, l.observed_runs, 0,
  2 * l.observed_runs, l.observed_at, l.observed_at, 'SIMULATED_DRY_RUN', l.observed_run_id, 1::smallint,
  l.observed_verifier, l.observed_at, 'SIMULATED_DRY_RUN', l.observed_run_id, 1::smallint
FROM dot_iu_runtime_lease l WHERE l.observed_runs > 0;
