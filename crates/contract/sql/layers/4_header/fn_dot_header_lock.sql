-- Locks a header until the transaction ends, so that the sides of one run see each other and a conclusion does not come
-- in between. Waits at most five seconds.
CREATE OR REPLACE FUNCTION fn_dot_header_lock(p_process_run_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  -- Mostly there is nobody to wait for.
  PERFORM FROM process_run_observation r WHERE r.process_run_id = p_process_run_id FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    PERFORM fn_dot_header_wait(p_process_run_id);
  END IF;
END;
$$;
