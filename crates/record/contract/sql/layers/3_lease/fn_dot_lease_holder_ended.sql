-- Ends a lease whose holder's process is known to have ended, and concludes its run. A program on the holder's machine
-- calls it: it alone can know. p_holder_process is what that lease names (v_dot_lease). Only the login that holds the
-- lease, or an operator's, may say so: no other login can end a lease that it does not hold. Returns the concluded run,
-- or null where that lease is not held by that process any more.
CREATE OR REPLACE FUNCTION fn_dot_lease_holder_ended(p_lease_name text, p_holder_process text, p_actor text)
  RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_lease record;
  v_now   timestamptz;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'who says that the holder ended is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  SELECT l.holder_login INTO v_lease FROM dot_iu_runtime_lease l
  WHERE l.lease_name = p_lease_name AND l.holder_process = p_holder_process AND l.released_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  ELSIF v_lease.holder_login <> session_user AND NOT fn_dot_login_is('operator') THEN
    PERFORM fn_dot_refuse('login_mismatch', format('the lease %s is held by another login', p_lease_name),
      jsonb_build_object('lease_name', p_lease_name));
  END IF;
  -- The subtransaction releases the row's lock where the lease is not changed.
  BEGIN
    IF NOT fn_dot_lease_lock(p_lease_name) THEN
      PERFORM fn_dot_lease_refuse_locked(p_lease_name, 'busy');
    END IF;
    v_now := clock_timestamp();
    UPDATE dot_iu_runtime_lease l SET released_at = v_now
    WHERE l.lease_name = p_lease_name AND l.holder_process = p_holder_process AND l.released_at IS NULL
      AND (l.holder_login = session_user OR fn_dot_login_is('operator'))
    RETURNING l.process_run_id INTO v_lease;
    IF NOT FOUND OR v_lease.process_run_id IS NOT NULL AND NOT fn_dot_run_reap_one(v_lease.process_run_id, p_actor) THEN
      RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
    END IF;
    RETURN v_lease.process_run_id;
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
    RETURN NULL;
  END;
END;
$$;
