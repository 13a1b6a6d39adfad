-- Retires a DOT: its pair can be neither run nor requested any more. Its history stays, and its simulations are still
-- recorded. An import with another status reverses it. Returns false where it was retired already.
CREATE OR REPLACE FUNCTION fn_dot_tool_retire(p_dot_code text, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_entry jsonb;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'the reason (p_reason) is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor, 'dot_code', p_dot_code));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  PERFORM fn_dot_registry_lock();
  IF NOT EXISTS (SELECT FROM dot_tools t WHERE t.dot_code = p_dot_code) THEN
    PERFORM fn_dot_refuse('unknown_dot', format('there is no DOT %L', left(p_dot_code, 200)),
      jsonb_build_object('dot_code', left(p_dot_code, 200)));
  END IF;
  -- Waits at most five seconds for a run that is being begun. An idle transaction must not prevent retirement: its run
  -- was begun before.
  PERFORM fn_dot_pair_lock(ARRAY[p_dot_code]);
  BEGIN
    UPDATE dot_tools AS t SET status = 'retired' WHERE t.dot_code = p_dot_code AND t.status <> 'retired'
    RETURNING fn_dot_tool_row(to_jsonb(t)) INTO v_entry;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', format('another transaction is claiming a request of %s', p_dot_code));
  END;
  IF v_entry IS NULL THEN
    RETURN false;
  END IF;
  PERFORM fn_dot_registry_record_change('tool', p_dot_code, v_entry || jsonb_build_object('reason', p_reason), p_actor);
  RETURN true;
END;
$$;
