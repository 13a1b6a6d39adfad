-- Refuses a row after the run's conclusion. Only runs with a lease on their header are ever concluded, so callers check
-- only those. Callers check again after the insert: the header's row lock is held by then, so a concurrent conclusion
-- has either committed and is visible, or waits.
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
