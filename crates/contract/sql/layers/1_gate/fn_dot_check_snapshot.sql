-- In REPEATABLE READ and SERIALIZABLE a snapshot can be older than a change of a gate or of the registry, which it would never
-- learn of. Whatever decides calls this, and refuses such a snapshot. The unique index knows better than the snapshot: an insert
-- that meets a row whose newest version the snapshot does not show fails, and one that meets a row it shows does nothing.
CREATE OR REPLACE FUNCTION fn_dot_check_snapshot() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') = 'read committed' OR current_setting('transaction_read_only') = 'on' THEN
    RETURN;
  END IF;
  INSERT INTO dot_gate_state DEFAULT VALUES ON CONFLICT (singleton) DO NOTHING;
  INSERT INTO dot_registry_state DEFAULT VALUES ON CONFLICT (singleton) DO NOTHING;
EXCEPTION
  WHEN serialization_failure THEN
    PERFORM fn_dot_refuse('snapshot_too_old', 'a gate or the registry was changed after this transaction''s snapshot');
  WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is just changing a gate or the registry');
END;
$$;
