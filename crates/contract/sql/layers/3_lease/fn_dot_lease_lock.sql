-- Locks a lease's row for the rest of the transaction and returns it; null where another transaction kept it locked for
-- five seconds. A row that does not exist yet is made, as one that was never held.
--
-- SKIP LOCKED first: the common case needs neither a wait nor a subtransaction (which an EXCEPTION block costs).
CREATE OR REPLACE FUNCTION fn_dot_lease_lock(p_lease_name text) RETURNS dot_iu_runtime_lease
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  v_lease dot_iu_runtime_lease;
BEGIN
  SELECT * INTO v_lease FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    RETURN v_lease;
  END IF;
  RETURN fn_dot_lease_lock_waiting(p_lease_name);
END;
$$;
