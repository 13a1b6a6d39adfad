-- The run that an idempotency key was used for, or null. The same key for anything else is refused: returning somebody
-- else's run would be a lie.
CREATE OR REPLACE FUNCTION fn_dot_run_of_key(
  p_idempotency_key text, p_process_candidate_code text, p_dot_code text, p_correlation_id text, p_evidence_type text)
RETURNS process_run_observation
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_run process_run_observation;
BEGIN
  SELECT * INTO v_run FROM process_run_observation r WHERE r.idempotency_key = p_idempotency_key;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF (v_run.process_candidate_code, v_run.dot_code, v_run.correlation_id, v_run.evidence_type)
     IS DISTINCT FROM (p_process_candidate_code, p_dot_code, p_correlation_id, p_evidence_type) THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'the idempotency key was used for another run',
      jsonb_build_object('process_run_id', v_run.process_run_id, 'differs', to_jsonb(array_remove(ARRAY[
        CASE WHEN v_run.process_candidate_code IS DISTINCT FROM p_process_candidate_code THEN 'process_candidate_code' END,
        CASE WHEN v_run.dot_code IS DISTINCT FROM p_dot_code THEN 'dot_code' END,
        CASE WHEN v_run.correlation_id IS DISTINCT FROM p_correlation_id THEN 'correlation_id' END,
        CASE WHEN v_run.evidence_type IS DISTINCT FROM p_evidence_type THEN 'evidence_type' END], NULL))));
  END IF;
  RETURN v_run;
END;
$$;
