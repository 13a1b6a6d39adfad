-- As fn_dot_lease_lock, for a caller that wants to acquire the lease. Keeps no lock on a lease that another caller
-- acquired during the wait: this caller goes on without the lock, finds the lease held, and may end without an error.
-- Returns false after five seconds.
CREATE OR REPLACE FUNCTION fn_dot_lease_lock_free(p_lease_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF NOT fn_dot_lease_lock(p_lease_name) THEN
    RETURN false;
  ELSIF fn_dot_lease_is_live(p_lease_name) THEN
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  END IF;
  RETURN true;
EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
  RETURN true;
END;
$$;
