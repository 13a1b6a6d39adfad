-- Locks a run that was begun, so that nobody concludes it while this transaction is under way; refused where there is none, where
-- it was recorded without a lease, or where the token is not its lease's. Lease, then header: the order of everybody who waits for
-- both. A token that ran out but was not taken over is still the lease's.
CREATE OR REPLACE FUNCTION fn_dot_run_begun(p_process_run_id uuid, p_lease_token uuid) RETURNS process_run_observation
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_run    process_run_observation;
  v_digest uuid := fn_dot_token_digest(p_lease_token);
BEGIN
  SELECT * INTO v_run FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('run_unknown', format('there is no run %s', coalesce(p_process_run_id::text, 'null')));
  ELSIF v_run.lease_token IS NULL THEN
    PERFORM fn_dot_refuse('lease_lost', format('the run %s was recorded without a lease: it was never begun', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  PERFORM fn_dot_check_not_concluded(v_run);
  IF v_run.lease_token IS DISTINCT FROM v_digest OR NOT fn_dot_lease_locked(v_run.lease_name, v_digest) THEN
    PERFORM fn_dot_refuse('lease_lost', format('the lease %s is not held by this token', v_run.lease_name),
      jsonb_build_object('process_run_id', p_process_run_id, 'lease_name', v_run.lease_name));
  ELSIF v_run.recorded_by <> session_user AND NOT fn_dot_login_is('operator') THEN
    PERFORM fn_dot_refuse('login_mismatch', format('the run %s was begun by another login', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  PERFORM fn_dot_header_lock(p_process_run_id);
  PERFORM fn_dot_check_run_is_seen(v_run);
  PERFORM fn_dot_check_not_concluded(v_run);
  RETURN v_run;
END;
$$;
