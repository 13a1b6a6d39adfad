-- Sets the kind of pairs that a lease counts from now on: one candidate, one verifier and one evidence type. Its
-- earlier count moves to the rollup. The caller holds the lease's lock, which also protects the slots 'pair …'.
CREATE OR REPLACE FUNCTION fn_dot_rollup_lease(
  p_lease_name text, p_process_candidate_code text, p_verifier text, p_evidence_type text, p_process_run_id uuid,
  p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_lease dot_iu_runtime_lease;
  v_best  smallint;
BEGIN
  SELECT * INTO v_lease FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name;
  IF v_lease.observed_runs > 0 THEN
    v_best := array_position('{SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[], v_lease.observed_type);
    INSERT INTO process_observation_rollup AS r (process_candidate_code, dot_code, slot, run_count, component_count,
      real_run_count, dry_run_count, simulated_count, last_observed_at,
      producer_observed_at, producer_evidence_type, producer_run_id, producer_best,
      verifier_dot_code, verifier_observed_at, verifier_evidence_type, verifier_run_id, verifier_best)
    VALUES (v_lease.observed_candidate, substr(v_lease.lease_name, length('dot_exec:') + 1),
      'pair ' || v_lease.observed_verifier, v_lease.observed_runs, 2 * v_lease.observed_runs,
      CASE v_lease.observed_type WHEN 'REAL_RUN' THEN v_lease.observed_runs ELSE 0 END,
      CASE v_lease.observed_type WHEN 'DRY_RUN' THEN v_lease.observed_runs ELSE 0 END,
      CASE v_lease.observed_type WHEN 'SIMULATED_DRY_RUN' THEN v_lease.observed_runs ELSE 0 END, v_lease.observed_at,
      v_lease.observed_at, v_lease.observed_type, v_lease.observed_run_id, v_best,
      v_lease.observed_verifier, v_lease.observed_at, v_lease.observed_type, v_lease.observed_run_id, v_best)
    ON CONFLICT (process_candidate_code, dot_code, slot) DO UPDATE SET
      run_count = r.run_count + excluded.run_count, component_count = r.component_count + excluded.component_count,
      real_run_count = r.real_run_count + excluded.real_run_count,
      dry_run_count = r.dry_run_count + excluded.dry_run_count,
      simulated_count = r.simulated_count + excluded.simulated_count, last_observed_at = excluded.last_observed_at,
      producer_observed_at = excluded.producer_observed_at, producer_evidence_type = excluded.producer_evidence_type,
      producer_run_id = excluded.producer_run_id, producer_best = greatest(r.producer_best, excluded.producer_best),
      verifier_observed_at = excluded.verifier_observed_at, verifier_evidence_type = excluded.verifier_evidence_type,
      verifier_run_id = excluded.verifier_run_id, verifier_best = greatest(r.verifier_best, excluded.verifier_best);
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET observed_candidate = p_process_candidate_code, observed_verifier = p_verifier, observed_type = p_evidence_type,
      observed_runs = 1, observed_at = p_now, observed_run_id = p_process_run_id
  WHERE l.lease_name = p_lease_name;
END;
$$;
