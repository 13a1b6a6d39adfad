-- Locks a header until the transaction ends, so that the two components of a run see each other and no conclusion comes
-- in between. Waits at most five seconds.
CREATE OR REPLACE FUNCTION fn_dot_header_lock(p_process_run_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  -- In most cases no transaction holds the lock.
  PERFORM FROM process_run_observation r WHERE r.process_run_id = p_process_run_id FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    PERFORM fn_dot_header_wait(p_process_run_id);
  END IF;
END;
$$;
