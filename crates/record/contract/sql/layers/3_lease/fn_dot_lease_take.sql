-- Acquires a lease whose row the caller has locked, where the lease is free. Returns whether it was free. p_released:
-- releases it at once, for a call that holds the lease only for its own transaction. Concludes the run that the last
-- holder left open first, so that no executed run stays without a conclusion.
CREATE OR REPLACE FUNCTION fn_dot_lease_take(
  p_lease_name text, p_holder text, p_token_digest uuid, p_ttl_seconds integer, p_released boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  -- Reads the clock after the lock: otherwise a caller that waited would compare the expiry with a time before its
  -- wait.
  v_now    timestamptz := clock_timestamp();
  v_run_id uuid;
BEGIN
  SELECT l.process_run_id INTO v_run_id FROM dot_iu_runtime_lease l
  WHERE l.lease_name = p_lease_name AND l.process_run_id IS NOT NULL
    AND (l.released_at IS NOT NULL OR l.expires_at <= v_now);
  IF FOUND THEN
    IF NOT fn_dot_run_reap_one(v_run_id, p_holder) THEN
      RETURN false;
    END IF;
    -- The conclusion deleted a narrow lease.
    INSERT INTO dot_iu_runtime_lease (lease_name, lease_holder, lease_token, acquired_at, expires_at, released_at)
    VALUES (p_lease_name, p_holder, gen_random_uuid(), v_now, v_now, v_now)
    ON CONFLICT (lease_name) DO NOTHING;
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET lease_holder = p_holder, lease_token = p_token_digest, holder_login = session_user, acquired_at = v_now,
      expires_at = v_now + make_interval(secs => p_ttl_seconds), released_at = CASE WHEN p_released THEN v_now END,
      process_run_id = NULL, holder_process = NULL, acquisitions = l.acquisitions + 1
  WHERE l.lease_name = p_lease_name AND (l.released_at IS NOT NULL OR l.expires_at <= v_now);
  RETURN FOUND;
END;
$$;
