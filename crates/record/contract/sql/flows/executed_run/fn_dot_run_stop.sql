-- Stops a run that is under way, from any session: its runner ends the call with the grace of the contract, and
-- concludes the run. Returns what was recorded; a second stop returns the first one (created = false), also where the
-- run is concluded by then. For the login that began the run, and for operators.
--
-- Waits for a receipt or a conclusion of the run that is being written, so that each of them comes before the stop, or
-- sees it.
CREATE OR REPLACE FUNCTION fn_dot_run_stop(p_process_run_id uuid, p_actor text, p_reason text)
RETURNS TABLE (process_run_id uuid, actor text, reason text, recorded_by text, stopped_at timestamptz, created boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_recorded_by text;
  v_is_begun    boolean;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'who stops the run is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'why the run is stopped is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  SELECT r.recorded_by, r.lease_token IS NOT NULL INTO v_recorded_by, v_is_begun
  FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('run_unknown', format('there is no run %s', coalesce(p_process_run_id::text, 'null')));
  ELSIF v_recorded_by <> session_user AND NOT fn_dot_login_is('operator') THEN
    PERFORM fn_dot_refuse('login_mismatch', format('the run %s was begun by another login', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  ELSIF NOT v_is_begun THEN
    PERFORM fn_dot_refuse('run_unknown', format('the run %s was recorded without a call: there is nothing to stop',
        p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  PERFORM fn_dot_header_lock(p_process_run_id);
  PERFORM fn_dot_check_snapshot_is_latest();
  RETURN QUERY SELECT s.process_run_id, s.actor, s.reason, s.recorded_by, s.stopped_at, false
    FROM dot_run_stop s WHERE s.process_run_id = p_process_run_id;
  IF FOUND THEN
    RETURN;
  END IF;
  PERFORM fn_dot_check_not_concluded(p_process_run_id);
  RETURN QUERY INSERT INTO dot_run_stop AS s (process_run_id, actor, reason, stopped_at)
    VALUES (p_process_run_id, p_actor, p_reason, clock_timestamp())
    RETURNING s.process_run_id, s.actor, s.reason, s.recorded_by, s.stopped_at, true;
  -- Runners ask at once whether their runs may go on. A runner that does not listen polls.
  PERFORM fn_dot_notify('dotwrap_gate');
END;
$$;
