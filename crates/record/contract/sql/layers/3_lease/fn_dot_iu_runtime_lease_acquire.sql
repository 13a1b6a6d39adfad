-- Acquires a free lease and returns its token; returns null where the lease is held. Only the token proves the holder:
-- a second caller with the same holder name receives null. A login without the right to execute is barred from a lease
-- for some time after an operator released it by force (fn_dot_lease_barred_until).
CREATE OR REPLACE FUNCTION fn_dot_iu_runtime_lease_acquire(p_lease_name text, p_holder text, p_ttl_seconds integer)
  RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now          timestamptz;
  v_token        uuid := gen_random_uuid();
  v_barred_until timestamptz;
BEGIN
  PERFORM fn_dot_lease_check_arguments(p_lease_name, p_holder, p_ttl_seconds);
  -- Reads before it locks: a refusal then costs no write-ahead log and no wait.
  v_now := clock_timestamp();
  IF EXISTS (SELECT FROM dot_iu_runtime_lease l
             WHERE l.lease_name = p_lease_name AND l.released_at IS NULL AND l.expires_at > v_now) THEN
    RETURN NULL;
  END IF;
  v_barred_until := fn_dot_lease_barred_until(p_lease_name, v_now);
  IF v_barred_until > v_now AND NOT fn_dot_login_is('runner') THEN
    PERFORM fn_dot_refuse('lease_held',
      format('lease %s was released by an operator; the login %s may acquire it again after %s', p_lease_name,
        session_user, date_trunc('second', v_barred_until)),
      jsonb_build_object('lease_name', p_lease_name, 'barred_until', v_barred_until));
  END IF;
  -- The subtransaction releases the row's lock where the lease is not acquired.
  BEGIN
    IF fn_dot_lease_lock(p_lease_name)
       AND fn_dot_lease_take(p_lease_name, p_holder, fn_dot_token_digest(v_token), p_ttl_seconds, false) THEN
      RETURN v_token;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
    RETURN NULL;
  END;
END;
$$;
