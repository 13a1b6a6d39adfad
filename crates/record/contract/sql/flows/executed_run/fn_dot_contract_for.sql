-- Returns the endpoint that a DOT is bound to for a mode and a candidate. Refuses the call where no contract binds it.
CREATE OR REPLACE FUNCTION fn_dot_contract_for(p_dot_code text, p_mode text, p_process_candidate_code text) RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_endpoint_ref text;
BEGIN
  SELECT c.endpoint_ref INTO v_endpoint_ref FROM dot_agent_api_contract c
  WHERE c.dot_code = p_dot_code AND c.mode = p_mode AND c.contract_status = 'active'
    AND (c.candidate_code IS NULL OR c.candidate_code = p_process_candidate_code);
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('contract_missing',
      format('%s has no active contract in mode %s for %s', p_dot_code, p_mode, p_process_candidate_code),
      jsonb_build_object('dot_code', p_dot_code, 'mode', p_mode));
  END IF;
  RETURN v_endpoint_ref;
END;
$$;
