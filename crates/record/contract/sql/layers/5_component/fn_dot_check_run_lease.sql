-- A run that was begun under a lease accepts components only from the holder of that lease. p_run_token is the digest
-- on the header, p_lease_token is the caller's token. Headers of runs without an execution name no lease. A wrong token
-- locks nothing.
CREATE OR REPLACE FUNCTION fn_dot_check_run_lease(
  p_process_run_id uuid, p_lease_name text, p_run_token uuid, p_lease_token uuid) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_digest uuid;
BEGIN
  IF p_run_token IS NULL THEN
    RETURN;
  END IF;
  PERFORM fn_dot_check_not_concluded(p_process_run_id);
  v_digest := fn_dot_token_digest(p_lease_token);
  IF v_digest = p_run_token AND fn_dot_lease_lock_and_read(p_lease_name, v_digest)
     AND fn_dot_lease_is_live(p_lease_name) THEN
    RETURN;
  END IF;
  PERFORM fn_dot_refuse('lease_lost', format('the lease %s is not held by this token', p_lease_name),
    jsonb_build_object('process_run_id', p_process_run_id, 'lease_name', p_lease_name));
END;
$$;
