-- The posture that a receipt is written under, and the number of the last gate change that it shows. Refuses a posture
-- that does not allow the mode. Receipts share the gates' lock until their transactions end. A closing waits for it for
-- a second at most. So a receipt is seen by the closing, refused by it, or void (fn_dot_receipt_is_void).
CREATE OR REPLACE FUNCTION fn_dot_gates_for_receipt(p_mode text, OUT posture text, OUT change_number bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_is_changing boolean;
  v_is_changed_here boolean;
BEGIN
  BEGIN
    LOCK TABLE dot_gate_state IN ROW SHARE MODE;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is just changing a gate');
  END;
  PERFORM fn_dot_check_snapshot();
  -- The statement after the lock, and one for both: the number is that of the last change that this very posture shows.
  SELECT p.posture, s.change_number, s.xmax <> '0', p.is_changed_here INTO posture, change_number, v_is_changing,
    v_is_changed_here
  FROM v_dot_posture p CROSS JOIN dot_gate_state s;
  IF v_is_changing THEN
    PERFORM fn_dot_gate_settle();
    PERFORM fn_dot_check_snapshot();
    SELECT p.posture, s.change_number, p.is_changed_here INTO posture, change_number, v_is_changed_here
    FROM v_dot_posture p CROSS JOIN dot_gate_state s;
  END IF;
  PERFORM fn_dot_check_evidence_gate(p_mode, posture);
  IF v_is_changed_here THEN
    PERFORM fn_dot_refuse('busy', 'this transaction changed a gate: the change takes effect when it commits');
  END IF;
END;
$$;
