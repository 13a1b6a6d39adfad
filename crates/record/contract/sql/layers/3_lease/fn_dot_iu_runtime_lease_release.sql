-- Releases a lease. Returns false where the token does not hold it.
CREATE OR REPLACE FUNCTION fn_dot_iu_runtime_lease_release(p_lease_name text, p_holder text, p_token uuid)
  RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_holder, 1);
  -- The subtransaction releases the row's lock where the lease is not changed.
  BEGIN
    IF fn_dot_lease_lock_and_read(p_lease_name, fn_dot_token_digest(p_token)) THEN
      v_now := clock_timestamp();
      UPDATE dot_iu_runtime_lease l SET released_at = v_now
      WHERE l.lease_name = p_lease_name AND l.lease_holder = p_holder AND l.released_at IS NULL;
      IF FOUND THEN
        RETURN true;
      END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
    RETURN false;
  END;
END;
$$;
