-- Takes a lease whose lock the caller holds, if nobody holds the lease itself. p_released: give it back at once, which is
-- what a call does that holds it for the length of its own transaction. Returns whether it was free. A run that its last
-- holder left without a conclusion is concluded first, so that no executed run is forgotten.
CREATE OR REPLACE FUNCTION fn_dot_lease_take(p_lease_name text, p_holder text, p_token uuid, p_ttl_seconds integer, p_released boolean) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  -- After the lock: whoever waited for it would otherwise judge the lease by a time before the wait.
  v_now    timestamptz := clock_timestamp();
  v_run_id uuid;
BEGIN
  SELECT l.process_run_id INTO v_run_id FROM dot_iu_runtime_lease l
  WHERE l.lease_name = p_lease_name AND l.process_run_id IS NOT NULL AND (l.released_at IS NOT NULL OR l.expires_at <= v_now);
  IF FOUND AND NOT fn_dot_run_reap_one(v_run_id, p_holder) THEN
    RETURN false;
  END IF;
  INSERT INTO dot_iu_runtime_lease AS l (lease_name, lease_holder, lease_token, acquired_at, expires_at, released_at)
  VALUES (p_lease_name, p_holder, p_token, v_now, v_now + make_interval(secs => p_ttl_seconds), CASE WHEN p_released THEN v_now END)
  ON CONFLICT (lease_name) DO UPDATE SET lease_holder = excluded.lease_holder, lease_token = excluded.lease_token,
    acquired_at = excluded.acquired_at, expires_at = excluded.expires_at, released_at = excluded.released_at, process_run_id = NULL, acquisitions = l.acquisitions + 1
  WHERE l.released_at IS NOT NULL OR l.expires_at <= v_now;
  RETURN FOUND;
END;
$$;
