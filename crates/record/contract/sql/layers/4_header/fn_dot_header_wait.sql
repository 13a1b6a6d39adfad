-- Locks a header that another transaction has locked, or refuses after five seconds.
CREATE OR REPLACE FUNCTION fn_dot_header_wait(p_process_run_id uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM process_run_observation r WHERE r.process_run_id = p_process_run_id FOR NO KEY UPDATE;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  PERFORM fn_dot_refuse('busy', format('another transaction is writing to the run %s', p_process_run_id),
    jsonb_build_object('process_run_id', p_process_run_id));
END;
$$;
