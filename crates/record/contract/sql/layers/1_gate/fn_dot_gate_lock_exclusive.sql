-- Waits at most one second for transactions that are writing receipts, and blocks new ones until this transaction ends.
-- Returns false where one of them did not end: an idle transaction must not prevent the closing of a gate.
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
