-- Writes the verifier's receipt before the verifier is called. The input digest is copied from the producer's row; no
-- caller chooses it. It asks whether the run may go on, and not for the posture: a window may have ended meanwhile.
CREATE OR REPLACE FUNCTION fn_dot_invocation_begin(p_process_run_id uuid, p_dot_code text, p_lease_token uuid,
  p_runner text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_run      record;
  v_role     text;
  v_endpoint text;
  v_digest   text;
  v_gates    record;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM fn_dot_lease_check_arguments('dot_exec', p_runner, 1);
  v_run := fn_dot_run_lock_open(p_process_run_id, p_lease_token);
  SELECT t.pair_role INTO v_role FROM dot_tools t WHERE t.dot_code = p_dot_code;
  PERFORM fn_dot_check_role(p_dot_code, coalesce(v_role, 'producer'), p_process_run_id, v_run.dot_code);
  v_endpoint := fn_dot_contract_for(p_dot_code, v_run.evidence_type, v_run.process_candidate_code);
  IF NOT fn_dot_lease_is_live(v_run.lease_name) THEN
    PERFORM fn_dot_refuse('lease_lost', format('the lease %s is not held by this token', v_run.lease_name),
      jsonb_build_object('process_run_id', p_process_run_id, 'lease_name', v_run.lease_name));
  END IF;
  IF v_role = 'verifier' THEN
    SELECT c.output_digest INTO v_digest FROM process_component_observation c
    WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer'
      AND c.status = 'step_completed';
    IF NOT FOUND THEN
      PERFORM fn_dot_refuse('invocation_mismatch',
        'there is nothing to verify: the run has no producer that did its work',
        jsonb_build_object('process_run_id', p_process_run_id));
    END IF;
  END IF;
  v_gates := fn_dot_check_may_continue(p_process_run_id);
  RETURN fn_dot_receipt_write(p_process_run_id, p_dot_code, v_role, v_run.evidence_type, v_gates.posture,
    v_gates.change_number, v_endpoint, v_digest, p_runner);
END;
$$;
