-- Lets a live lease live longer, from now. False where the token does not hold it any more, or it ran out: what was
-- expired may have been taken over and concluded in the meantime, so its holder has to stop.
CREATE OR REPLACE FUNCTION fn_dot_iu_runtime_lease_renew(p_lease_name text, p_holder text, p_token uuid,
  p_ttl_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_holder, p_ttl_seconds);
  -- In a subtransaction: where the lease is not changed, the lock of its row is given back.
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
