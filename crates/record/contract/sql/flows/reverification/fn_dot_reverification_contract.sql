-- The mode, the endpoint and the digest of the contract that a verifier is called by when it verifies again:
-- VERIFY_ONLY, else DRY_RUN. Refuses the call where neither binds it.
CREATE OR REPLACE FUNCTION fn_dot_reverification_contract(
  p_verifier text, p_process_candidate_code text, OUT mode text, OUT endpoint_ref text, OUT sha256 text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  SELECT c.mode, c.endpoint_ref, c.contract_sha256 INTO mode, endpoint_ref, sha256 FROM dot_agent_api_contract c
  WHERE c.dot_code = p_verifier AND c.contract_status = 'active'
    AND (c.candidate_code IS NULL OR c.candidate_code = p_process_candidate_code)
    -- A contract of VERIFY_ONLY may be a plan without a call.
    AND (c.mode = 'DRY_RUN'
      OR c.mode = 'VERIFY_ONLY' AND c.endpoint_ref ~ '^(command:|https://|mcp:)[[:space:]]*[^[:space:]]')
  ORDER BY c.mode = 'VERIFY_ONLY' DESC LIMIT 1;
  IF NOT FOUND THEN
    PERFORM fn_dot_contract_for(p_verifier, 'DRY_RUN', p_process_candidate_code);
  END IF;
END;
$$;
