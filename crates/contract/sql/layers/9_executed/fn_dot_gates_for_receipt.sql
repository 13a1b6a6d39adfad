-- The posture that a receipt is written under, and the snapshot that it was read with; refused where it does not allow the
-- mode. The gates' lock is shared among receipts and lasts until the transaction ends: whoever closes a gate waits for it, at
-- most a second, so that a receipt is either seen by the close or refused by it, or void (fn_dot_receipt_is_void).
CREATE OR REPLACE FUNCTION fn_dot_gates_for_receipt(p_mode text, OUT posture text, OUT snapshot pg_snapshot)
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  BEGIN
    PERFORM pg_advisory_xact_lock_shared(fn_dot_gate_lock_key());
  EXCEPTION WHEN lock_not_available THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is just changing a gate');
  END;
  PERFORM fn_dot_gates_are_seen();
  -- The statement after the lock, and one for both: the posture is what this very snapshot shows.
  SELECT p.posture, pg_current_snapshot() INTO posture, snapshot FROM v_dot_posture p;
  PERFORM fn_dot_check_evidence_gate(p_mode, posture);
END;
$$;
