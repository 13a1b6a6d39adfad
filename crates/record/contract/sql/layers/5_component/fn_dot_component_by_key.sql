-- Returns the component that an idempotency key was used for, or null. Refuses the key where it was used with other
-- arguments or by another login.
CREATE OR REPLACE FUNCTION fn_dot_component_by_key(
  p_idempotency_key text, p_process_run_id uuid, p_dot_code text, p_component_role text, p_correlation_id text,
  p_evidence_type text)
RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_component process_component_observation;
BEGIN
  SELECT * INTO v_component FROM process_component_observation c WHERE c.idempotency_key = p_idempotency_key;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  PERFORM fn_dot_check_key_use(p_idempotency_key, 'component', v_component.recorded_by, ARRAY[
      CASE WHEN v_component.process_run_id IS DISTINCT FROM p_process_run_id THEN 'process_run_id' END,
      CASE WHEN v_component.dot_code IS DISTINCT FROM p_dot_code THEN 'dot_code' END,
      CASE WHEN v_component.component_role IS DISTINCT FROM p_component_role THEN 'component_role' END,
      CASE WHEN v_component.correlation_id IS DISTINCT FROM p_correlation_id THEN 'correlation_id' END,
      CASE WHEN v_component.evidence_type IS DISTINCT FROM p_evidence_type THEN 'evidence_type' END],
    jsonb_build_object('component_run_id', v_component.component_run_id, 'process_run_id', v_component.process_run_id));
  RETURN v_component.component_run_id;
END;
$$;
