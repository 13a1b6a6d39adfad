-- Moves what whole pairs left on a lease to the rollup, where the lease turns to another candidate or verifier. The
-- caller holds the lease's lock, which is what keeps others off the slots 'pair …'.
CREATE OR REPLACE FUNCTION fn_dot_rollup_lease(p_lease dot_iu_runtime_lease) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO process_observation_rollup AS r (process_candidate_code, dot_code, slot, run_count, component_count, simulated_count, last_observed_at,
    producer_observed_at, producer_evidence_type, producer_run_id, producer_best,
    verifier_dot_code, verifier_observed_at, verifier_evidence_type, verifier_run_id, verifier_best)
  VALUES (p_lease.observed_candidate, substr(p_lease.lease_name, length('dot_exec:') + 1), 'pair ' || p_lease.observed_verifier, p_lease.observed_runs, 2 * p_lease.observed_runs,
    p_lease.observed_runs, p_lease.observed_at,
    p_lease.observed_at, 'SIMULATED_DRY_RUN', p_lease.observed_run_id, 1,
    p_lease.observed_verifier, p_lease.observed_at, 'SIMULATED_DRY_RUN', p_lease.observed_run_id, 1)
  ON CONFLICT (process_candidate_code, dot_code, slot) DO UPDATE SET
    run_count = r.run_count + excluded.run_count, component_count = r.component_count + excluded.component_count,
    simulated_count = r.simulated_count + excluded.simulated_count, last_observed_at = excluded.last_observed_at,
    producer_observed_at = excluded.producer_observed_at, producer_run_id = excluded.producer_run_id,
    verifier_observed_at = excluded.verifier_observed_at, verifier_run_id = excluded.verifier_run_id;
END;
$$;
