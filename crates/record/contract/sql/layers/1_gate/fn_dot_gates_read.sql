-- Takes the gates' lock as receipts do, and returns the posture, the number of the last gate change that it includes,
-- and whether this transaction has changed a gate itself. Receipts hold the lock in share mode until their transactions
-- end. A closing waits for that lock for at most one second. Therefore a closing sees the receipt, keeps it from being
-- written, or makes it void (fn_dot_receipt_is_void).
CREATE OR REPLACE FUNCTION fn_dot_gates_read(OUT posture text, OUT change_number bigint, OUT is_changed_here boolean)
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_is_changing boolean;
BEGIN
  BEGIN
    LOCK TABLE dot_gate_state IN ROW SHARE MODE;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is just changing a gate');
  END;
  PERFORM fn_dot_check_snapshot();
  -- One statement after the lock reads both, so that the number belongs to exactly this posture.
  SELECT p.posture, s.change_number, s.xmax <> '0', p.is_changed_here INTO posture, change_number, v_is_changing,
    is_changed_here
  FROM v_dot_posture p CROSS JOIN dot_gate_state s;
  IF v_is_changing THEN
    PERFORM fn_dot_gate_settle();
    PERFORM fn_dot_check_snapshot();
    SELECT p.posture, s.change_number, p.is_changed_here INTO posture, change_number, is_changed_here
    FROM v_dot_posture p CROSS JOIN dot_gate_state s;
  END IF;
END;
$$;
