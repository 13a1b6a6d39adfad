-- The component that an idempotency key was used for, or null; refuses the key of another one.
CREATE OR REPLACE FUNCTION fn_dot_component_of_key(
  p_idempotency_key text, p_process_run_id uuid, p_dot_code text, p_component_role text, p_correlation_id text, p_evidence_type text)
RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_component process_component_observation;
BEGIN
  SELECT * INTO v_component FROM process_component_observation c WHERE c.idempotency_key = p_idempotency_key;
  IF FOUND AND (v_component.process_run_id, v_component.dot_code, v_component.component_role, v_component.correlation_id, v_component.evidence_type)
     IS DISTINCT FROM (p_process_run_id, p_dot_code, p_component_role, p_correlation_id, p_evidence_type) THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'the idempotency key was used for another component',
      jsonb_build_object('component_run_id', v_component.component_run_id, 'process_run_id', v_component.process_run_id));
  END IF;
  RETURN v_component.component_run_id;
END;
$$;
