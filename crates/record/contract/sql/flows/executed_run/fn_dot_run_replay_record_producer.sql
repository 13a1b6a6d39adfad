-- Returns the verifier's receipt that an earlier call of fn_process_run_record_producer opened, where the client lost
-- the result of that call. Returns null where this call is no such repetition. The component, the runner, the login and
-- the live lease must be the same, and no outcome may be recorded under the receipt. One receipt still allows one call:
-- a client that received the first result does not repeat the call.
CREATE OR REPLACE FUNCTION fn_dot_run_replay_record_producer(
  p_process_run_id uuid, p_dot_code text, p_evidence_type text, p_status text, p_invocation_id uuid, p_lease_token uuid,
  p_verifier_dot_code text, p_runner text, p_component_run_id uuid, p_output_digest text) RETURNS uuid
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_lease_name text;
  v_digest     uuid := fn_dot_token_digest(p_lease_token);
  v_receipt_id uuid;
BEGIN
  SELECT r.lease_name INTO v_lease_name FROM process_run_observation r
  WHERE r.process_run_id = p_process_run_id AND r.dot_code = p_dot_code AND r.lease_token = v_digest;
  IF p_component_run_id IS NULL OR v_lease_name IS NULL THEN
    RETURN NULL;
  END IF;
  -- The first call may not have committed yet. It holds the lock until it commits.
  IF NOT fn_dot_lease_lock_and_read(v_lease_name, v_digest) OR NOT EXISTS (
       SELECT FROM dot_iu_runtime_lease l
       WHERE l.lease_name = v_lease_name AND l.process_run_id = p_process_run_id
         AND l.released_at IS NULL AND l.expires_at > clock_timestamp()) THEN
    RETURN NULL;
  END IF;
  SELECT i.invocation_id INTO v_receipt_id
  FROM process_component_observation producer JOIN dot_invocation i ON i.process_run_id = producer.process_run_id
  WHERE producer.component_run_id = p_component_run_id AND producer.process_run_id = p_process_run_id
    AND producer.component_role = 'producer' AND producer.invocation_id = p_invocation_id AND producer.status = p_status
    AND producer.evidence_type = p_evidence_type
    AND producer.output_digest IS NOT DISTINCT FROM fn_dot_null_if_blank(p_output_digest)
    AND i.component_role = 'verifier' AND i.dot_code = p_verifier_dot_code AND i.runner = p_runner
    AND i.recorded_by = session_user
    AND NOT EXISTS (SELECT FROM process_component_observation verifier
                    WHERE verifier.process_run_id = p_process_run_id AND verifier.component_role = 'verifier');
  IF v_receipt_id IS NOT NULL THEN
    PERFORM fn_dot_assert_snapshot_covers_component(p_process_run_id, 'verifier');
  END IF;
  RETURN v_receipt_id;
END;
$$;
