-- Called where inserting a component found an existing row: returns the first call's id where it is the same call, else
-- refuses and names the conflicting row.
CREATE OR REPLACE FUNCTION fn_dot_component_resolve_conflict(
  p_component_run_id uuid, p_idempotency_key text, p_process_run_id uuid, p_dot_code text, p_component_role text,
  p_correlation_id text, p_evidence_type text) RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_component_id uuid;
BEGIN
  IF p_idempotency_key IS NOT NULL THEN
    v_component_id := fn_dot_component_by_key(p_idempotency_key, p_process_run_id, p_dot_code, p_component_role,
      p_correlation_id, p_evidence_type);
  END IF;
  IF v_component_id IS NULL THEN
    PERFORM fn_dot_refuse('id_in_use', CASE
      WHEN EXISTS (SELECT FROM process_component_observation c WHERE c.component_run_id = p_component_run_id)
        THEN format('there is a component %s already', p_component_run_id)
      ELSE format('the run has its %s already', p_component_role) END,
      jsonb_build_object('process_run_id', p_process_run_id, 'component_role', p_component_role));
  END IF;
  RETURN v_component_id;
END;
$$;
