-- A run that was begun under a lease takes components only from the holder of that lease. Runs recorded without execution have
-- no lease on their header. A wrong token locks nothing.
CREATE OR REPLACE FUNCTION fn_dot_check_run_lease(p_process_run_id uuid, p_lease_token uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_digest     uuid := fn_dot_token_digest(p_lease_token);
  v_lease_name text;
  v_run_token  uuid;
  v_now        timestamptz;
BEGIN
  SELECT r.lease_name, r.lease_token INTO v_lease_name, v_run_token
  FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
  IF v_run_token IS NULL THEN
    RETURN;
  ELSIF EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = p_process_run_id) THEN
    PERFORM fn_dot_refuse('run_concluded', format('the run %s is concluded', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  IF v_digest = v_run_token AND fn_dot_lease_locked(v_lease_name, v_digest) THEN
    v_now := clock_timestamp();
    IF EXISTS (SELECT FROM dot_iu_runtime_lease l
               WHERE l.lease_name = v_lease_name AND l.released_at IS NULL AND l.expires_at > v_now) THEN
      RETURN;
    END IF;
  END IF;
  PERFORM fn_dot_refuse('lease_lost', format('the lease %s is not held by this token', v_lease_name),
    jsonb_build_object('process_run_id', p_process_run_id, 'lease_name', v_lease_name));
END;
$$;
