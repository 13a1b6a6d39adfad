-- The first whole pair of a (candidate, producer): makes its slot. The slot named 'pair' is written under the pair's lease
-- alone; every other slot is found by fn_dot_rollup_slot.
CREATE OR REPLACE FUNCTION fn_dot_rollup_pair_first(p_process_candidate_code text, p_dot_code text, p_process_run_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO process_observation_rollup (process_candidate_code, dot_code, slot, run_count, component_count, simulated_count, last_observed_at,
    producer_observed_at, producer_evidence_type, producer_run_id, producer_best, verifier_observed_at, verifier_evidence_type, verifier_run_id, verifier_best)
  VALUES (p_process_candidate_code, p_dot_code, 'pair', 1, 2, 1, p_now, p_now, 'SIMULATED_DRY_RUN', p_process_run_id, 1, p_now, 'SIMULATED_DRY_RUN', p_process_run_id, 1);
END;
$$;
