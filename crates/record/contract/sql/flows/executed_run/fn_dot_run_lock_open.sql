-- Locks an open run, so that no other transaction concludes it meanwhile. Refuses where there is no such run, where it
-- was recorded without a lease, or where the token is not that of its lease. Lock order: lease, then header, as in
-- every function that takes both. An expired token is valid until another caller takes the lease over. Returns the
-- header columns that the callers need.
CREATE OR REPLACE FUNCTION fn_dot_run_lock_open(
  p_process_run_id uuid, p_lease_token uuid,
  OUT dot_code text, OUT process_candidate_code text, OUT evidence_type text, OUT lease_name text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_digest      uuid := fn_dot_token_digest(p_lease_token);
  v_run_token   uuid;
  v_recorded_by text;
BEGIN
  SELECT r.dot_code, r.process_candidate_code, r.evidence_type, r.lease_name, r.lease_token, r.recorded_by
  INTO dot_code, process_candidate_code, evidence_type, lease_name, v_run_token, v_recorded_by
  FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('run_unknown', format('there is no run %s', coalesce(p_process_run_id::text, 'null')));
  ELSIF v_run_token IS NULL THEN
    PERFORM fn_dot_refuse('lease_lost', format('the run %s was recorded without a lease: it was never begun',
        p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  PERFORM fn_dot_check_not_concluded(p_process_run_id);
  IF v_run_token = v_digest AND v_recorded_by <> session_user AND NOT fn_dot_login_is('operator') THEN
    PERFORM fn_dot_refuse('login_mismatch', format('the run %s was begun by another login', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  ELSIF v_run_token IS DISTINCT FROM v_digest OR NOT fn_dot_lease_lock_and_read(lease_name, v_digest) THEN
    PERFORM fn_dot_refuse('lease_lost', format('the lease %s is not held by this token', lease_name),
      jsonb_build_object('process_run_id', p_process_run_id, 'lease_name', lease_name));
  END IF;
  PERFORM fn_dot_header_lock(p_process_run_id);
  PERFORM fn_dot_assert_snapshot_covers_run(p_process_run_id);
  PERFORM fn_dot_check_not_concluded(p_process_run_id);
END;
$$;
