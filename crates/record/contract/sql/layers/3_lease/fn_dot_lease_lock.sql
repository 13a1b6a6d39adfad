-- Locks a lease's row until the transaction ends. Every function that writes a lease calls this first, and reads the
-- clock afterwards. Inserts the row where the name is new. Returns false where another transaction held the lock for
-- five seconds. Only the owner's functions can take this lock. They take it for a caller that proved to hold the lease,
-- or that may acquire it.
CREATE OR REPLACE FUNCTION fn_dot_lease_lock(p_lease_name text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM fn_dot_lease_make(p_lease_name);
    PERFORM FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name FOR NO KEY UPDATE;
  END IF;
  RETURN FOUND;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN false;
END;
$$;
