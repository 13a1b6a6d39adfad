-- Opens or closes a gate, records actor and reason, and returns the resulting posture. The change takes effect at
-- commit: fn_dot_gate_change_record then waits for receipts that are being written, and writes the history.
--
-- An opening with p_stop_at_end also stops, at its end, the runs that are under way. A closing stops them at once: with
-- the grace of their contracts, without it (p_stop_now), or not at all (p_let_finish). fn_dot_run_stop_cause reads
-- this.
CREATE OR REPLACE FUNCTION fn_dot_gate_set(
  p_key text, p_value text, p_actor text, p_reason text, p_expires_at timestamptz DEFAULT NULL,
  p_stop_at_end boolean DEFAULT false, p_let_finish boolean DEFAULT false, p_stop_now boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
#variable_conflict use_column
DECLARE
  v_now        timestamptz;
  -- A brake opens the other way round.
  v_is_opening boolean := p_value = CASE p_key WHEN 'process_dot_runtime.dry_run_only' THEN 'false' ELSE 'true' END;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF p_key IS NULL OR p_key NOT IN ('iu_core.operator_runtime_enabled', 'process_dot_runtime.execute_enabled',
                                    'process_dot_runtime.dry_run_only', 'process_dot_runtime.real_run_enabled') THEN
    PERFORM fn_dot_refuse('gate_unknown', format('there is no gate %L', left(p_key, 100)));
  ELSIF p_value IS NULL OR p_value NOT IN ('true', 'false') THEN
    PERFORM fn_dot_refuse('gate_value_invalid', format('a gate cannot say %L', left(p_value, 100)));
  ELSIF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'the reason (p_reason) is missing');
  ELSIF NOT fn_dot_is_representable_time(p_expires_at) THEN
    PERFORM fn_dot_refuse('expiry_invalid', 'the gate would expire after the year 9999: leave the expiry out',
      jsonb_build_object('expires_at', p_expires_at::text));
  ELSIF p_stop_at_end AND (p_expires_at IS NULL OR NOT v_is_opening) THEN
    PERFORM fn_dot_refuse('gate_option_invalid', 'stop_at_end belongs to an opening that ends by itself');
  ELSIF (p_let_finish OR p_stop_now) AND v_is_opening THEN
    PERFORM fn_dot_refuse('gate_option_invalid', 'let_finish and stop_now belong to a closing');
  ELSIF p_let_finish AND p_stop_now THEN
    PERFORM fn_dot_refuse('gate_option_invalid', 'a closing lets runs finish, or stops them now');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  PERFORM fn_dot_check_snapshot();
  PERFORM fn_dot_check_gate_isolation();

  -- Locks the row, then reads the clock: a change that waited for an earlier one must not have the earlier time.
  BEGIN
    PERFORM FROM dot_config c WHERE c.key = p_key FOR UPDATE;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', format('another transaction is changing the gate %s', p_key));
  END;
  v_now := clock_timestamp();
  IF p_expires_at <= v_now THEN
    PERFORM fn_dot_refuse('expiry_invalid', 'the gate would have expired already',
      jsonb_build_object('expires_at', p_expires_at));
  END IF;
  INSERT INTO dot_config AS c (key, value, expires_at, updated_at, updated_by, reason, stop_at_end, let_finish,
    stop_now)
  VALUES (p_key, p_value, p_expires_at, v_now, p_actor, p_reason, coalesce(p_stop_at_end, false),
    coalesce(p_let_finish, false), coalesce(p_stop_now, false))
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at,
    updated_at = excluded.updated_at, updated_by = excluded.updated_by, reason = excluded.reason,
    stop_at_end = excluded.stop_at_end, let_finish = excluded.let_finish, stop_now = excluded.stop_now;
  RETURN fn_process_dot_posture();
END;
$$;
