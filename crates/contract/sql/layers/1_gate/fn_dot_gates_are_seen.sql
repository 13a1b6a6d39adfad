-- In REPEATABLE READ and SERIALIZABLE a snapshot can be older than a gate's closing, which it would never learn of. The unique
-- index of the gates knows better than the snapshot: an insert that meets a row of which it does not see the newest version
-- fails as could-not-serialize, which the caller answers by starting its transaction again. One that meets none is undone here.
CREATE OR REPLACE FUNCTION fn_dot_gates_are_seen() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') = 'read committed' THEN
    RETURN;
  END IF;
  BEGIN
    INSERT INTO dot_config (key, value, updated_by, reason)
    VALUES ('iu_core.operator_runtime_enabled', 'false', 'never committed', ''), ('process_dot_runtime.execute_enabled', 'false', 'never committed', ''),
      ('process_dot_runtime.dry_run_only', 'true', 'never committed', ''), ('process_dot_runtime.real_run_enabled', 'false', 'never committed', '')
    ON CONFLICT (key) DO NOTHING;
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
    NULL;
  END;
END;
$$;
