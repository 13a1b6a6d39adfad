-- The second of the three transactions of an executed run: the outcome of the producer's call, and the verifier's
-- receipt with the digest that this row commits. Writes both or neither. A client that lost the result repeats the call
-- and receives the same receipt.
--
-- Equals fn_process_component_observe followed by fn_dot_invocation_begin.
CREATE OR REPLACE FUNCTION fn_process_run_record_producer(
  p_process_run_id uuid, p_dot_code text, p_correlation_id text, p_actor text, p_evidence_type text, p_status text,
  p_invocation_id uuid, p_lease_token uuid, p_verifier_dot_code text, p_runner text,
  p_component_run_id uuid DEFAULT NULL, p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL,
  p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}', p_started_at timestamptz DEFAULT NULL,
  p_ended_at timestamptz DEFAULT NULL, p_output_digest text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_receipt_id uuid;
BEGIN
  v_receipt_id := fn_dot_run_replay_record_producer(p_process_run_id, p_dot_code, p_evidence_type, p_status,
    p_invocation_id, p_lease_token, p_verifier_dot_code, p_runner, p_component_run_id, p_output_digest);
  IF v_receipt_id IS NOT NULL THEN
    RETURN v_receipt_id;
  END IF;
  PERFORM fn_process_component_observe(p_process_run_id, p_dot_code, 'producer', p_correlation_id, p_actor,
    p_evidence_type, p_status, p_component_run_id => p_component_run_id, p_input_ref => p_input_ref,
    p_output_ref => p_output_ref, p_error_ref => p_error_ref, p_evidence_ref => p_evidence_ref,
    p_started_at => p_started_at, p_ended_at => p_ended_at, p_invocation_id => p_invocation_id,
    p_lease_token => p_lease_token, p_output_digest => p_output_digest);
  RETURN fn_dot_invocation_begin(p_process_run_id, p_verifier_dot_code, p_lease_token, p_runner);
END;
$$;
