-- Returns the request that an idempotency key was used for, or null. Refuses the key where it was used with other
-- arguments or by another login.
CREATE OR REPLACE FUNCTION fn_dot_request_by_key(
  p_idempotency_key text, p_dot_code text, p_process_candidate_code text, p_mode text, p_correlation_id text,
  p_input_ref text, p_input_digest text) RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_first dot_run_request;
BEGIN
  SELECT * INTO v_first FROM dot_run_request r WHERE r.idempotency_key = p_idempotency_key;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  PERFORM fn_dot_check_key_use(p_idempotency_key, 'request', v_first.recorded_by, ARRAY[
      CASE WHEN v_first.correlation_id IS DISTINCT FROM p_correlation_id THEN 'correlation_id' END,
      CASE WHEN v_first.dot_code IS DISTINCT FROM p_dot_code THEN 'dot_code' END,
      CASE WHEN v_first.input_digest IS DISTINCT FROM p_input_digest THEN 'input_digest' END,
      CASE WHEN v_first.input_ref IS DISTINCT FROM p_input_ref THEN 'input_ref' END,
      CASE WHEN v_first.mode IS DISTINCT FROM p_mode THEN 'mode' END,
      CASE WHEN v_first.process_candidate_code IS DISTINCT FROM p_process_candidate_code
        THEN 'process_candidate_code' END],
    jsonb_build_object('request_id', v_first.request_id));
  RETURN v_first.request_id;
END;
$$;
