-- Opens or closes a gate, with who and why, and returns the posture that follows.
CREATE OR REPLACE FUNCTION fn_dot_gate_set(
  p_key text, p_value text, p_actor text, p_reason text, p_expires_at timestamptz DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
#variable_conflict use_column
DECLARE
  v_now      timestamptz;
  v_snapshot pg_snapshot;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- What is acknowledged survives a crash, whatever the server or the session thinks of waiting for the disk.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF p_key IS NULL OR p_key NOT IN ('iu_core.operator_runtime_enabled', 'process_dot_runtime.execute_enabled',
                                    'process_dot_runtime.dry_run_only', 'process_dot_runtime.real_run_enabled') THEN
    PERFORM fn_dot_refuse('gate_unknown', format('there is no gate %L', left(p_key, 100)));
  ELSIF p_value IS NULL OR p_value NOT IN ('true', 'false') THEN
    PERFORM fn_dot_refuse('gate_value_invalid', format('a gate can not say %L', left(p_value, 100)));
  ELSIF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'who changes the gate is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'why the gate is changed is missing');
  ELSIF p_expires_at <= clock_timestamp() THEN
    PERFORM fn_dot_refuse('expiry_invalid', 'the gate would have expired already', jsonb_build_object('expires_at', p_expires_at));
  ELSIF NOT fn_dot_is_readable_time(p_expires_at) THEN
    PERFORM fn_dot_refuse('expiry_invalid', 'the gate would expire after the year 9999: leave the expiry out', jsonb_build_object('expires_at', p_expires_at::text));
  END IF;
  PERFORM fn_dot_refuse_long_text(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_refuse_long_text(2000, jsonb_build_object('reason', p_reason));

  IF NOT fn_dot_gate_lock_exclusive() THEN
    -- The second is spent: what is left to wait for is only somebody's open change of this very gate.
    PERFORM set_config('lock_timeout', '50ms', true);
  END IF;
  v_now := clock_timestamp();
  BEGIN
    INSERT INTO dot_config AS c (key, value, expires_at, updated_at, updated_by, reason)
    VALUES (p_key, p_value, p_expires_at, v_now, p_actor, p_reason)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at,
      updated_at = excluded.updated_at, updated_by = excluded.updated_by, reason = excluded.reason;
  EXCEPTION WHEN lock_not_available THEN
    -- Not a run, which would not be waited for, but somebody else's change of this very gate that is not committed yet.
    PERFORM fn_dot_refuse('busy', format('another transaction is just changing the gate %s', p_key));
  END;
  -- A statement of its own, after the wait: under READ COMMITTED this is the newest snapshot there is.
  v_snapshot := pg_current_snapshot();
  INSERT INTO dot_config_history (change_id, key, value, expires_at, actor, reason, changed_at, change_xid, snapshot)
  VALUES (fn_dot_uuid_v7(), p_key, p_value, p_expires_at, p_actor, p_reason, v_now, pg_current_xact_id(), v_snapshot);
  -- Runners stop their calls at once; who does not listen finds out by looking.
  PERFORM fn_dot_notify('dotwrap_gate');
  RETURN fn_process_dot_posture();
END;
$$;
