-- Waits for receipts that are being written, at most a second: closing a gate must not depend on somebody's idle
-- transaction. Returns whether the lock was got; the caller commits all the same, and its snapshot voids what it missed.
-- Receipts take the same lock with pg_advisory_xact_lock_shared(fn_dot_gate_lock_key()).
CREATE OR REPLACE FUNCTION fn_dot_gate_lock_exclusive() RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
#variable_conflict use_column
BEGIN
  PERFORM pg_advisory_xact_lock(fn_dot_gate_lock_key());
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END;
$$;
