-- Inserts the row of a lease that was never acquired. The registry bounds the names of registered producers, and open
-- runs bound the narrow ones that they need (fn_dot_lease_wait_scoped). Other names are bounded per login: at most a
-- hundred, also across concurrent transactions, because each locks the login's row until it ends. Free leases of the
-- same login are deleted. Those of other logins stay: a transaction that stays open after this call would keep them
-- locked.
CREATE OR REPLACE FUNCTION fn_dot_lease_make(p_lease_name text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  IF NOT EXISTS (SELECT FROM dot_tools t WHERE p_lease_name = fn_dot_lease_name(t.dot_code)) THEN
    INSERT INTO dot_lease_login (login) VALUES (session_user) ON CONFLICT DO NOTHING;
    PERFORM FROM dot_lease_login x WHERE x.login = session_user FOR NO KEY UPDATE;
    DELETE FROM dot_iu_runtime_lease l WHERE l.lease_name IN (
      SELECT x.lease_name FROM dot_iu_runtime_lease x
      WHERE x.holder_login = session_user AND (x.released_at IS NOT NULL OR x.expires_at <= v_now)
        AND x.process_run_id IS NULL AND x.observed_runs = 0
        AND NOT EXISTS (SELECT FROM dot_tools t WHERE x.lease_name = fn_dot_lease_name(t.dot_code))
      FOR UPDATE SKIP LOCKED);
    IF (SELECT count(*) FROM dot_iu_runtime_lease l WHERE l.holder_login = session_user
          AND l.process_run_id IS NULL
          AND NOT EXISTS (SELECT FROM dot_tools t WHERE l.lease_name = fn_dot_lease_name(t.dot_code))) >= 100 THEN
      PERFORM fn_dot_refuse('lease_limit', format('the login %s holds a hundred leases that are no pair''s',
          session_user));
    END IF;
  END IF;
  INSERT INTO dot_iu_runtime_lease (lease_name, lease_holder, lease_token, acquired_at, expires_at, released_at)
  VALUES (p_lease_name, session_user, gen_random_uuid(), v_now, v_now, v_now)
  ON CONFLICT (lease_name) DO NOTHING;
END;
$$;
