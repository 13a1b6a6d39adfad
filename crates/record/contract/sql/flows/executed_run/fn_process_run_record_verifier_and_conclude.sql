-- The last of the transactions of an executed run: the outcome of its last call, and the conclusion. Writes both or
-- neither. p_run_dot_code is the producer, whose lease the run holds. p_dot_code is the tool of the last call: the
-- verifier, or the producer where it failed.
--
-- Equals fn_process_component_observe followed by fn_process_run_conclude.
CREATE OR REPLACE FUNCTION fn_process_run_record_verifier_and_conclude(
  p_process_run_id uuid, p_run_dot_code text, p_dot_code text, p_component_role text, p_correlation_id text,
  p_actor text, p_evidence_type text, p_status text, p_invocation_id uuid, p_lease_token uuid, p_run_status text,
  p_component_run_id uuid DEFAULT NULL, p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL,
  p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}', p_started_at timestamptz DEFAULT NULL,
  p_ended_at timestamptz DEFAULT NULL, p_verdict text DEFAULT NULL, p_output_digest text DEFAULT NULL,
  p_run_output_ref text DEFAULT NULL, p_run_error_ref text DEFAULT NULL, p_run_evidence_ref jsonb DEFAULT '{}')
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  PERFORM fn_process_component_observe(p_process_run_id, p_dot_code, p_component_role, p_correlation_id, p_actor,
    p_evidence_type, p_status, p_component_run_id => p_component_run_id, p_input_ref => p_input_ref,
    p_output_ref => p_output_ref, p_error_ref => p_error_ref, p_evidence_ref => p_evidence_ref,
    p_started_at => p_started_at, p_ended_at => p_ended_at, p_invocation_id => p_invocation_id, p_verdict => p_verdict,
    p_lease_token => p_lease_token, p_output_digest => p_output_digest);
  RETURN fn_process_run_conclude(p_process_run_id, p_lease_token, p_actor, p_run_status, NULL, p_run_output_ref,
    p_run_error_ref, p_run_evidence_ref);
END;
$$;
