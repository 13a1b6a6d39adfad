-- Gives a lease back. False where the token does not hold it (any more).
CREATE OR REPLACE FUNCTION fn_dot_iu_runtime_lease_release(p_lease_name text, p_holder text, p_token uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_lease dot_iu_runtime_lease;
  v_now   timestamptz;
BEGIN
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_holder, 1);
  v_lease := fn_dot_lease_locked(p_lease_name);
  v_now := clock_timestamp();
  -- No lease of that name, or no token: nothing is held.
  IF v_lease.lease_name IS NULL OR p_token IS NULL OR v_lease.lease_token <> p_token OR v_lease.lease_holder <> p_holder OR v_lease.released_at IS NOT NULL THEN
    RETURN false;
  END IF;
  UPDATE dot_iu_runtime_lease l SET released_at = v_now WHERE l.lease_name = p_lease_name;
  RETURN true;
END;
$$;
