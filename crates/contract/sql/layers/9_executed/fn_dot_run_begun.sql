-- The header of a run that was begun, locked so that nobody concludes it while this transaction is under way; refused where
-- there is none, or where it was recorded without a lease. Lease, then header: the order of everybody who waits for both.
CREATE OR REPLACE FUNCTION fn_dot_run_begun(p_process_run_id uuid) RETURNS process_run_observation
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_run        process_run_observation;
  v_lease_name text;
BEGIN
  SELECT r.lease_name INTO v_lease_name FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
  IF v_lease_name IS NOT NULL THEN
    PERFORM fn_dot_lease_locked(v_lease_name);
  END IF;
  SELECT * INTO v_run FROM process_run_observation r WHERE r.process_run_id = p_process_run_id FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('run_unknown', format('there is no run %s', coalesce(p_process_run_id::text, 'null')));
  ELSIF v_run.lease_token IS NULL THEN
    PERFORM fn_dot_refuse('lease_lost', format('the run %s was recorded without a lease: it was never begun', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  PERFORM fn_dot_check_run_is_seen(v_run);
  PERFORM fn_dot_check_not_concluded(v_run);
  RETURN v_run;
END;
$$;
