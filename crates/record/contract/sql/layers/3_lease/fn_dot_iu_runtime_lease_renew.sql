-- Extends a live lease from now. Returns false where the token does not hold it, or the lease expired: another caller
-- may have taken an expired lease over and concluded its run, so the holder has to stop.
CREATE OR REPLACE FUNCTION fn_dot_iu_runtime_lease_renew(p_lease_name text, p_holder text, p_token uuid,
  p_ttl_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_holder, p_ttl_seconds);
  -- The subtransaction releases the row's lock where the lease is not changed.
  BEGIN
    IF fn_dot_lease_lock_and_read(p_lease_name, fn_dot_token_digest(p_token)) THEN
      v_now := clock_timestamp();
      UPDATE dot_iu_runtime_lease l SET expires_at = v_now + make_interval(secs => p_ttl_seconds)
      WHERE l.lease_name = p_lease_name AND l.lease_holder = p_holder AND l.released_at IS NULL
        AND l.expires_at > v_now;
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
