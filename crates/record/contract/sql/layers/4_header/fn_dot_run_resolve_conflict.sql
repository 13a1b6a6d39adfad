-- Called where inserting a header found an existing row: returns the first call's id where it is the same call, else
-- refuses.
CREATE OR REPLACE FUNCTION fn_dot_run_resolve_conflict(
  p_process_run_id uuid, p_idempotency_key text, p_process_candidate_code text, p_dot_code text, p_correlation_id text,
  p_evidence_type text) RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_run_id uuid;
BEGIN
  IF p_idempotency_key IS NOT NULL THEN
    v_run_id := fn_dot_run_by_key(p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id,
      p_evidence_type);
  END IF;
  IF v_run_id IS NULL THEN
    PERFORM fn_dot_refuse('id_in_use', format('there is a run %s already', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  RETURN v_run_id;
END;
$$;
