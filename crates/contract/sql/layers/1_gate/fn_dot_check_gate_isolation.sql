-- Refuses a change of a gate in REPEATABLE READ or SERIALIZABLE while a receipt is being written: at its commit the
-- change could not see what becomes of that receipt. Refused at once, and not at the commit, so that the caller learns
-- how to go on. The lock is only tried, and undone.
CREATE OR REPLACE FUNCTION fn_dot_check_gate_isolation() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') THEN
    RETURN;
  END IF;
  LOCK TABLE dot_gate_state IN EXCLUSIVE MODE NOWAIT;
  RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
EXCEPTION
  WHEN SQLSTATE 'DOTUN' THEN NULL;
  WHEN lock_not_available THEN
    PERFORM fn_dot_refuse('snapshot_too_old',
      'a receipt is just being written: change the gate in a transaction that is READ COMMITTED');
END;
$$;
