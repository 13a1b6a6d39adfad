-- Waits at most a second for the receipts that are being written, and keeps others from beginning until this
-- transaction ends. False where one is not committed by then: closing a gate must not depend on an idle transaction.
CREATE OR REPLACE FUNCTION fn_dot_gate_lock_exclusive() RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
#variable_conflict use_column
BEGIN
  LOCK TABLE dot_gate_state IN EXCLUSIVE MODE;
  RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN false;
END;
$$;
