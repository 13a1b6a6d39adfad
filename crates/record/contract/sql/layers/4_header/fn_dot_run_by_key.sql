-- Returns the run that an idempotency key was used for, of several attempts the newest, or null. Refuses the key where
-- it was used with other arguments or by another login (fn_dot_check_key_use).
CREATE OR REPLACE FUNCTION fn_dot_run_by_key(
  p_idempotency_key text, p_process_candidate_code text, p_dot_code text, p_correlation_id text, p_evidence_type text)
RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_run process_run_observation;
BEGIN
  SELECT * INTO v_run FROM process_run_observation r WHERE r.idempotency_key = p_idempotency_key
  ORDER BY r.attempt DESC LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  PERFORM fn_dot_check_key_use(p_idempotency_key, 'run', v_run.recorded_by, ARRAY[
      CASE WHEN v_run.process_candidate_code IS DISTINCT FROM p_process_candidate_code
        THEN 'process_candidate_code' END,
      CASE WHEN v_run.dot_code IS DISTINCT FROM p_dot_code THEN 'dot_code' END,
      CASE WHEN v_run.correlation_id IS DISTINCT FROM p_correlation_id THEN 'correlation_id' END,
      CASE WHEN v_run.evidence_type IS DISTINCT FROM p_evidence_type THEN 'evidence_type' END],
    jsonb_build_object('process_run_id', v_run.process_run_id));
  RETURN v_run.process_run_id;
END;
$$;
