-- Writes the receipt of one call before the call is made. The endpoint comes from the contract, never from the caller:
-- from the verifier's contract at the instant when the run was begun, which the producer's receipt names. Receipts of
-- earlier releases name none; there it is the contract of now, p_endpoint_ref. p_contract_mode: the contract's mode
-- where it is not the call's. p_contract_sha256: the contract's digest as the caller read it, together with
-- p_endpoint_ref.
CREATE OR REPLACE FUNCTION fn_dot_receipt_write(
  p_process_run_id uuid, p_dot_code text, p_component_role text, p_mode text, p_posture text, p_change_number bigint,
  p_endpoint_ref text, p_input_digest text, p_runner text, p_contract_mode text DEFAULT NULL,
  p_contract_sha256 text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_receipt_id uuid := fn_dot_uuid_v7();
  v_contract   record;
BEGIN
  SELECT i.verifier_contract_sha256 AS sha256, i.verifier_endpoint_ref AS endpoint_ref INTO v_contract
  FROM dot_invocation i
  WHERE i.process_run_id = p_process_run_id AND i.component_role = 'producer' AND p_component_role = 'verifier'
    AND i.verifier_contract_sha256 IS NOT NULL;
  IF NOT FOUND THEN
    SELECT coalesce(p_contract_sha256, c.contract_sha256) AS sha256, p_endpoint_ref AS endpoint_ref INTO v_contract
    FROM dot_agent_api_contract c WHERE c.dot_code = p_dot_code AND c.mode = coalesce(p_contract_mode, p_mode);
  END IF;
  INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
    input_digest, runner, begun_change_number, cluster_id, contract_sha256)
  VALUES (v_receipt_id, p_process_run_id, p_dot_code, p_component_role, p_mode, p_posture,
    v_contract.endpoint_ref, p_input_digest, p_runner, p_change_number, fn_dot_cluster_id(), v_contract.sha256)
  ON CONFLICT (process_run_id, component_role) DO NOTHING;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('id_in_use',
      format('the run has the receipt of its %s already: a second try is another run', p_component_role),
      jsonb_build_object('process_run_id', p_process_run_id, 'component_role', p_component_role));
  END IF;
  RETURN v_receipt_id;
END;
$$;
