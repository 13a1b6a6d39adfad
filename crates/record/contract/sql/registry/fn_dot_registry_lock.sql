-- Serializes changes of the registry and counts them. A caller in REPEATABLE READ whose snapshot does not show the
-- newest count is refused (fn_dot_check_snapshot). Waits at most five seconds for another change, before any read.
CREATE OR REPLACE FUNCTION fn_dot_registry_lock() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  UPDATE dot_registry_state s SET change_number = s.change_number + 1;
EXCEPTION
  WHEN serialization_failure THEN
    PERFORM fn_dot_refuse('snapshot_too_old', 'the registry was changed after this transaction''s snapshot');
  WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is changing the registry');
END;
$$;
