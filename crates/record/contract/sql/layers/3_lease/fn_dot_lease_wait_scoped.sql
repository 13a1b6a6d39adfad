-- For a run whose lease is not its pair's own (fn_dot_lease_name): locks the pair's lease in share mode and then the
-- run's own lease, both until the transaction ends, and refuses where either is held. Runs with leases of their own do
-- not exclude each other at the pair's. Whoever acquires the pair's lease, or changes the pair, waits for those that
-- are being begun and then sees them. Each wait is at most five seconds.
CREATE OR REPLACE FUNCTION fn_dot_lease_wait_scoped(p_dot_code text, p_lease_name text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now       timestamptz;
  v_waits_for text := fn_dot_lease_name(p_dot_code);
BEGIN
  -- Where a committed call holds one of the two, no wait is needed.
  PERFORM fn_dot_lease_refuse(l.lease_name) FROM dot_iu_runtime_lease l
  WHERE l.lease_name IN (v_waits_for, p_lease_name) AND l.released_at IS NULL AND l.expires_at > clock_timestamp()
  ORDER BY l.lease_name = p_lease_name DESC LIMIT 1;
  BEGIN
    PERFORM FROM dot_iu_runtime_lease l WHERE l.lease_name = v_waits_for FOR SHARE;
    IF NOT FOUND THEN
      PERFORM fn_dot_lease_make(v_waits_for);
      PERFORM FROM dot_iu_runtime_lease l WHERE l.lease_name = v_waits_for FOR SHARE;
    END IF;
    v_waits_for := p_lease_name;
    -- The row is deleted when its run is concluded: it can vanish between the insert and the lock, but not for long.
    FOR i IN 1 .. 5 LOOP
      v_now := clock_timestamp();
      INSERT INTO dot_iu_runtime_lease (lease_name, lease_holder, lease_token, acquired_at, expires_at, released_at)
      VALUES (p_lease_name, session_user, gen_random_uuid(), v_now, v_now, v_now)
      ON CONFLICT (lease_name) DO NOTHING;
      PERFORM FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name FOR NO KEY UPDATE;
      EXIT WHEN FOUND;
    END LOOP;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_lease_refuse_locked(v_waits_for, 'lease_held');
  END;
  -- Looks again after the waits.
  PERFORM fn_dot_lease_refuse(l.lease_name) FROM dot_iu_runtime_lease l
  WHERE l.lease_name IN (fn_dot_lease_name(p_dot_code), p_lease_name) AND l.released_at IS NULL
    AND l.expires_at > clock_timestamp() LIMIT 1;
END;
$$;
