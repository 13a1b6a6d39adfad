-- Nothing is written behind a conclusion. Only runs with a lease on their header are ever concluded; callers ask
-- for those alone. Called once more
-- after the insert: the row lock on the header is held by then, so a conclusion that was under way has committed and is
-- seen here, and one that comes later waits.
CREATE OR REPLACE FUNCTION fn_dot_check_not_concluded(p_process_run_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = p_process_run_id) THEN
    PERFORM fn_dot_refuse('run_concluded', format('the run %s is concluded', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
END;
$$;
