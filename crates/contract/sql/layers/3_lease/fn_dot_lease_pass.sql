-- Single flight within one transaction: takes the pair's lease and gives it back at once, and keeps the row locked until
-- the transaction ends. To everybody else that is the same as holding it for that long, for one update instead of two.
-- Raises lease_held where another transaction or a live lease is in the way.
CREATE OR REPLACE FUNCTION fn_dot_lease_pass(p_lease_name text, p_holder text, p_ttl_seconds integer) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  v_lease dot_iu_runtime_lease;
  v_now   timestamptz;
BEGIN
  v_now := clock_timestamp();
  SELECT * INTO v_lease FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name;
  IF NOT FOUND OR v_lease.released_at IS NOT NULL OR v_lease.expires_at <= v_now THEN
    v_lease := fn_dot_lease_lock(p_lease_name);
    v_now := clock_timestamp();
  END IF;
  IF v_lease.lease_name IS NULL OR (v_lease.released_at IS NULL AND v_lease.expires_at > v_now) THEN
    PERFORM fn_dot_refuse('lease_held', format('the lease %s is held', p_lease_name),
      jsonb_build_object('lease_name', p_lease_name, 'lease_holder', v_lease.lease_holder, 'expires_at', v_lease.expires_at));
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET lease_holder = p_holder, lease_token = gen_random_uuid(), acquired_at = v_now,
      expires_at = v_now + make_interval(secs => p_ttl_seconds), released_at = v_now, acquisitions = l.acquisitions + 1
  WHERE l.lease_name = p_lease_name;
END;
$$;
