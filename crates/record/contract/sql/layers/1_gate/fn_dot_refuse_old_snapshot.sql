-- Refuses a snapshot that does not show the newest change of a gate or of the registry. INSERT … ON CONFLICT DO NOTHING
-- against the unique index detects it: the insert fails where the snapshot does not show the newest version of the row,
-- and otherwise does nothing. A subtransaction undoes the insert's lock of dot_gate_state, which would block closings
-- while this transaction idles.
CREATE OR REPLACE FUNCTION fn_dot_refuse_old_snapshot() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO dot_gate_state DEFAULT VALUES ON CONFLICT (singleton) DO NOTHING;
  INSERT INTO dot_registry_state DEFAULT VALUES ON CONFLICT (singleton) DO NOTHING;
  RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
EXCEPTION
  WHEN SQLSTATE 'DOTUN' THEN NULL;
  WHEN serialization_failure THEN
    PERFORM fn_dot_refuse('snapshot_too_old', 'a gate or the registry was changed after this transaction''s snapshot');
  WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is changing a gate or the registry');
END;
$$;
