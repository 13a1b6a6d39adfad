-- Counts a whole simulated pair in one update: the same as a header, a producer and a verifier one by one.
CREATE OR REPLACE FUNCTION fn_dot_rollup_pair(p_process_candidate_code text, p_process_run_id uuid, p_dot_code text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  v_slot uuid := fn_dot_rollup_slot(p_process_candidate_code, p_dot_code);
  v_now  timestamptz := clock_timestamp();
BEGIN
  UPDATE process_observation_rollup r
  SET run_count = r.run_count + 1, component_count = r.component_count + 2, simulated_count = r.simulated_count + 1, last_observed_at = v_now,
      producer_observed_at = v_now, producer_evidence_type = 'SIMULATED_DRY_RUN', producer_run_id = p_process_run_id,
      verifier_observed_at = v_now, verifier_evidence_type = 'SIMULATED_DRY_RUN', verifier_run_id = p_process_run_id
  WHERE r.process_candidate_code = p_process_candidate_code AND r.dot_code = p_dot_code AND r.slot = v_slot;
END;
$$;
