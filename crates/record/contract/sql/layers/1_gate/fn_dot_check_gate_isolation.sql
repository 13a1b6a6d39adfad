-- Refuses a gate change in REPEATABLE READ or SERIALIZABLE while a receipt is being written: at its commit the change
-- could not see whether that receipt was committed. Refuses at once instead of at the commit, so that the message can
-- name the remedy. The lock is only tried, in a subtransaction that is rolled back.
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
      'a receipt is being written: change the gate in a transaction that is READ COMMITTED');
END;
$$;
