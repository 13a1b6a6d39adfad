-- Counts a component, and its run once under each evidence type of its components. The caller holds the header's row
-- lock, so the run's other component is either visible here or comes later.
CREATE OR REPLACE FUNCTION fn_dot_rollup_component(
  p_process_candidate_code text, p_process_run_id uuid, p_dot_code text, p_component_role text, p_evidence_type text)
    RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_is_producer boolean := p_component_role = 'producer';
  -- Both components are counted in the producer's row.
  v_dot_code    text := CASE WHEN v_is_producer THEN p_dot_code
                        ELSE coalesce((SELECT t.paired_dot FROM dot_tools t WHERE t.dot_code = p_dot_code), p_dot_code)
                          END;
  v_run         integer := CASE WHEN EXISTS (SELECT FROM process_component_observation c
                             WHERE c.process_run_id = p_process_run_id AND c.component_role <> p_component_role
                               AND c.evidence_type = p_evidence_type) THEN 0 ELSE 1 END;
  v_best        smallint := array_position('{BACKFILLED_EVIDENCE,SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[],
    p_evidence_type) - 1;
  v_slot        text := fn_dot_rollup_slot(p_process_candidate_code, v_dot_code,
    CASE WHEN NOT v_is_producer THEN p_dot_code END);
  v_now         timestamptz := clock_timestamp();
BEGIN
  UPDATE process_observation_rollup r
  SET component_count  = r.component_count + 1,
      real_run_count   = r.real_run_count   + CASE p_evidence_type WHEN 'REAL_RUN' THEN v_run ELSE 0 END,
      dry_run_count    = r.dry_run_count    + CASE p_evidence_type WHEN 'DRY_RUN' THEN v_run ELSE 0 END,
      simulated_count  = r.simulated_count  + CASE p_evidence_type WHEN 'SIMULATED_DRY_RUN' THEN v_run ELSE 0 END,
      backfilled_count = r.backfilled_count + CASE p_evidence_type WHEN 'BACKFILLED_EVIDENCE' THEN v_run ELSE 0 END,
      last_observed_at = v_now,
      producer_observed_at   = CASE WHEN v_is_producer THEN v_now ELSE r.producer_observed_at END,
      producer_evidence_type = CASE WHEN v_is_producer THEN p_evidence_type ELSE r.producer_evidence_type END,
      producer_run_id        = CASE WHEN v_is_producer THEN p_process_run_id ELSE r.producer_run_id END,
      producer_best          = CASE WHEN v_is_producer THEN greatest(r.producer_best, v_best) ELSE r.producer_best END,
      verifier_best          = CASE WHEN v_is_producer THEN r.verifier_best ELSE greatest(r.verifier_best, v_best) END,
      verifier_dot_code      = CASE WHEN v_is_producer THEN r.verifier_dot_code ELSE p_dot_code END,
      verifier_observed_at   = CASE WHEN v_is_producer THEN r.verifier_observed_at ELSE v_now END,
      verifier_evidence_type = CASE WHEN v_is_producer THEN r.verifier_evidence_type ELSE p_evidence_type END,
      verifier_run_id        = CASE WHEN v_is_producer THEN r.verifier_run_id ELSE p_process_run_id END
  WHERE r.process_candidate_code = p_process_candidate_code AND r.dot_code = v_dot_code AND r.slot = v_slot;
END;
$$;
