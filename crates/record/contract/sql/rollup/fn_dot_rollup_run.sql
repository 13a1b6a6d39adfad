-- Counts an executed run with all its components at its conclusion. Until then v_process_observation_rollup counts the
-- open run. The caller holds the locks of the header and the lease, so no component comes later. A run whose two
-- components have one evidence type is counted by its pair's lease, as a pair is; the lease is switched to that kind
-- where necessary. Other leases count nothing: they end with their run, or serve several pairs. A lease counts executed
-- runs only where both components completed: its count is the best evidence of both DOTs, and a failed run proves
-- nothing.
CREATE OR REPLACE FUNCTION fn_dot_rollup_run(
  p_process_run_id uuid, p_process_candidate_code text, p_dot_code text, p_lease_name text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_producer record;
  v_verifier record;
  v_types    text[];
  v_slot     text;
  v_now      timestamptz;
BEGIN
  SELECT c.component_run_id, c.process_run_id, c.dot_code, c.status, c.evidence_type, c.created_at INTO v_producer
  FROM process_component_observation c WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer';
  SELECT c.component_run_id, c.process_run_id, c.dot_code, c.status, c.evidence_type, c.created_at INTO v_verifier
  FROM process_component_observation c WHERE c.process_run_id = p_process_run_id AND c.component_role = 'verifier';
  IF p_lease_name = fn_dot_lease_name(p_dot_code) AND v_producer.evidence_type = v_verifier.evidence_type
    AND (v_verifier.evidence_type = 'SIMULATED_DRY_RUN'
     OR v_producer.status = 'step_completed' AND v_verifier.status = 'step_completed') THEN
    v_now := clock_timestamp();
    UPDATE dot_iu_runtime_lease l
    SET observed_runs = l.observed_runs + 1, observed_at = v_now, observed_run_id = p_process_run_id
    WHERE l.lease_name = p_lease_name AND l.observed_candidate = p_process_candidate_code
      AND l.observed_verifier = v_verifier.dot_code AND l.observed_type = v_verifier.evidence_type;
    IF NOT FOUND THEN
      PERFORM fn_dot_rollup_lease(p_lease_name, p_process_candidate_code, v_verifier.dot_code, v_verifier.evidence_type,
        p_process_run_id, v_now);
    END IF;
    RETURN;
  END IF;
  v_types := ARRAY[v_producer.evidence_type, v_verifier.evidence_type];
  v_slot := fn_dot_rollup_slot(p_process_candidate_code, p_dot_code, v_verifier.dot_code);
  v_now := clock_timestamp();
  UPDATE process_observation_rollup r
  SET run_count        = r.run_count + 1,
      component_count  = r.component_count + num_nonnulls(v_producer.component_run_id, v_verifier.component_run_id),
      -- Once under each type of its components.
      real_run_count   = r.real_run_count   + CASE WHEN 'REAL_RUN' = ANY (v_types) THEN 1 ELSE 0 END,
      dry_run_count    = r.dry_run_count    + CASE WHEN 'DRY_RUN' = ANY (v_types) THEN 1 ELSE 0 END,
      simulated_count  = r.simulated_count  + CASE WHEN 'SIMULATED_DRY_RUN' = ANY (v_types) THEN 1 ELSE 0 END,
      last_observed_at = v_now,
      producer_observed_at   = coalesce(v_producer.created_at, r.producer_observed_at),
      producer_evidence_type = coalesce(v_producer.evidence_type, r.producer_evidence_type),
      producer_run_id        = coalesce(v_producer.process_run_id, r.producer_run_id),
      producer_best          = greatest(r.producer_best,
        fn_dot_rollup_rank(v_producer.evidence_type, v_producer.status)),
      verifier_dot_code      = coalesce(v_verifier.dot_code, r.verifier_dot_code),
      verifier_observed_at   = coalesce(v_verifier.created_at, r.verifier_observed_at),
      verifier_evidence_type = coalesce(v_verifier.evidence_type, r.verifier_evidence_type),
      verifier_run_id        = coalesce(v_verifier.process_run_id, r.verifier_run_id),
      verifier_best          = greatest(r.verifier_best,
        fn_dot_rollup_rank(v_verifier.evidence_type, v_verifier.status))
  WHERE r.process_candidate_code = p_process_candidate_code AND r.dot_code = p_dot_code AND r.slot = v_slot;
END;
$$;
