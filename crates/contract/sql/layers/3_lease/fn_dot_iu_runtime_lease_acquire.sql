-- Takes a lease that nobody holds, and returns its token; null where somebody does. Only the token proves who holds it:
-- a second caller with the same holder name gets nothing.
CREATE OR REPLACE FUNCTION fn_dot_iu_runtime_lease_acquire(p_lease_name text, p_holder text, p_ttl_seconds integer) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  v_lease dot_iu_runtime_lease;
  v_now   timestamptz;
  v_token uuid := gen_random_uuid();
BEGIN
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_holder, p_ttl_seconds);
  -- Look before locking: a refusal then costs no write-ahead log and no wait.
  v_now := clock_timestamp();
  IF EXISTS (SELECT FROM dot_iu_runtime_lease l
             WHERE l.lease_name = p_lease_name AND l.released_at IS NULL AND l.expires_at > v_now) THEN
    RETURN NULL;
  END IF;

  v_lease := fn_dot_lease_lock(p_lease_name);
  -- The clock after the lock: whoever waited for it would otherwise judge the row by a time before the wait.
  v_now := clock_timestamp();
  IF v_lease.lease_name IS NULL OR (v_lease.released_at IS NULL AND v_lease.expires_at > v_now) THEN
    RETURN NULL;
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET lease_holder = p_holder, lease_token = v_token, acquired_at = v_now,
      expires_at = v_now + make_interval(secs => p_ttl_seconds), released_at = NULL, acquisitions = l.acquisitions + 1
  WHERE l.lease_name = p_lease_name;
  RETURN v_token;
END;
$$;
