-- Sets or clears the pause of a DOT and records who did so. Returns whether that changed anything.
CREATE OR REPLACE FUNCTION fn_dot_tool_set_pause(p_dot_code text, p_actor text, p_reason text, p_until timestamptz)
  RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_entry jsonb;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'who pauses or resumes the DOT is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor, 'dot_code', p_dot_code));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  PERFORM fn_dot_registry_lock();
  IF NOT EXISTS (SELECT FROM dot_tools t WHERE t.dot_code = p_dot_code) THEN
    PERFORM fn_dot_refuse('unknown_dot', format('there is no DOT %L', left(p_dot_code, 200)),
      jsonb_build_object('dot_code', left(p_dot_code, 200)));
  END IF;
  -- As fn_dot_tool_retire.
  PERFORM fn_dot_pair_lock(ARRAY[p_dot_code]);
  BEGIN
    UPDATE dot_tools AS t
    SET paused_until = p_until, paused_by = CASE WHEN p_until IS NOT NULL THEN p_actor END,
        pause_reason = CASE WHEN p_until IS NOT NULL THEN p_reason END
    WHERE t.dot_code = p_dot_code AND num_nonnulls(t.paused_until, p_until) > 0
    RETURNING fn_dot_tool_row(to_jsonb(t)) INTO v_entry;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', format('another transaction is just claiming a request of %s', p_dot_code));
  END;
  IF v_entry IS NULL THEN
    RETURN false;
  END IF;
  PERFORM fn_dot_registry_record_change('tool', p_dot_code,
    v_entry || jsonb_build_object('reason', fn_dot_null_if_blank(p_reason), 'paused_until', p_until), p_actor);
  RETURN true;
END;
$$;
