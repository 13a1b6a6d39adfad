-- Locks a request. Waits at most five seconds.
CREATE OR REPLACE FUNCTION fn_dot_request_locked(p_request_id uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM dot_run_request r WHERE r.request_id = p_request_id FOR NO KEY UPDATE;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  PERFORM fn_dot_refuse('busy', format('another transaction is changing the request %s', p_request_id),
    jsonb_build_object('request_id', p_request_id));
END;
$$;
