-- Activates or deactivates an event type, and records actor and reason. Returns whether that changed anything.
--
-- Waits for transactions that write events. Where one does not end within five seconds, the switch goes on without it
-- and says so in the history: an idle transaction must not prevent a switch. Events of that transaction have a time
-- before the switch and appear at its commit. No event has a time after the switch:
--
--   writer W   reads the clock, reads the type … idles …                    commits: its event is older than the switch
--   switch                waits 5 s, updates the type, reads the clock … commits
--   writer N                                    finds the type in change, waits, reads the new value
CREATE OR REPLACE FUNCTION fn_event_type_set_active(p_event_type text, p_active boolean, p_actor text, p_reason text)
  RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_active          boolean;
  v_now             timestamptz;
  v_saw_every_event boolean := true;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'the reason (p_reason) is missing');
  ELSIF p_active IS NULL THEN
    PERFORM fn_dot_refuse('event_type_unknown', 'whether the event type is to be active is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));

  BEGIN
    LOCK TABLE event_type_registry IN EXCLUSIVE MODE;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    v_saw_every_event := false;
  END;
  PERFORM fn_dot_registry_lock();
  SELECT r.active INTO v_active FROM event_type_registry r WHERE r.event_type = p_event_type;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('event_type_unknown', format('there is no event type %L', left(p_event_type, 100)));
  ELSIF v_active = p_active THEN
    RETURN false;
  END IF;
  -- Updates the type, then reads the clock: a writer reads the clock, then the type.
  UPDATE event_type_registry r SET active = p_active WHERE r.event_type = p_event_type;
  v_now := clock_timestamp();
  INSERT INTO event_type_history (change_id, event_type, active, actor, reason, changed_at, saw_every_event)
  VALUES (fn_dot_uuid_v7(), p_event_type, p_active, p_actor, p_reason, v_now, v_saw_every_event);
  RETURN true;
END;
$$;
