-- Returns whether the tools of a run may go on: false once an operator closed a gate that the run depends on (not
-- where the closing lets runs finish), a window ended that was opened with stop_at_end, somebody stopped the run, or
-- the lease was lost. Once false for one of these, it stays false. fn_process_run_stop_cause says why.
CREATE OR REPLACE FUNCTION fn_process_run_may_continue(p_process_run_id uuid, p_lease_token uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN fn_process_run_stop_cause(p_process_run_id, p_lease_token) IS NULL;
END;
$$;
