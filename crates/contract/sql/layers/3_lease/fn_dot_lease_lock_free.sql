-- Locks the row of a lease that a caller wants to take, as fn_dot_lease_lock. A lease that somebody took while this
-- waited is not kept locked: the caller goes on without the lock, finds it taken, and may end without an error. False
-- after five seconds.
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
