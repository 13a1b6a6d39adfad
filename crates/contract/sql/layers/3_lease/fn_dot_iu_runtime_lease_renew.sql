-- Lets a live lease live longer, from now. False where the token does not hold it any more, or it ran out: what was
-- expired may have been taken over and concluded in the meantime, so its holder has to stop.
CREATE OR REPLACE FUNCTION fn_dot_iu_runtime_lease_renew(p_lease_name text, p_holder text, p_token uuid, p_ttl_seconds integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
BEGIN
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_holder, p_ttl_seconds);
  IF NOT fn_dot_lease_locked(p_lease_name, fn_dot_token_digest(p_token)) THEN
    RETURN false;
  END IF;
  v_now := clock_timestamp();
  UPDATE dot_iu_runtime_lease l SET expires_at = v_now + make_interval(secs => p_ttl_seconds)
  WHERE l.lease_name = p_lease_name AND l.lease_holder = p_holder AND l.released_at IS NULL AND l.expires_at > v_now;
  RETURN FOUND;
END;
$$;
