-- A run that was begun under a lease takes components only from whoever holds it still. Runs recorded without execution
-- have no lease on their header.
CREATE OR REPLACE FUNCTION fn_dot_check_run_lease(p_run process_run_observation, p_lease_token uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_lease dot_iu_runtime_lease;
  v_now   timestamptz;
BEGIN
  IF p_run.lease_token IS NULL THEN
    RETURN;
  END IF;
  PERFORM fn_dot_check_not_concluded(p_run);
  v_lease := fn_dot_lease_locked(p_run.lease_name);
  v_now := clock_timestamp();
  IF p_lease_token IS DISTINCT FROM p_run.lease_token OR v_lease.lease_token IS DISTINCT FROM p_lease_token
     OR v_lease.released_at IS NOT NULL OR v_lease.expires_at <= v_now THEN
    PERFORM fn_dot_refuse('lease_lost', format('the lease %s is not held by this token', p_run.lease_name),
      jsonb_build_object('process_run_id', p_run.process_run_id, 'lease_name', p_run.lease_name));
  END IF;
END;
$$;
