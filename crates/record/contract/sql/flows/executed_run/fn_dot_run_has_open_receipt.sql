-- Returns whether the run has a receipt without a recorded outcome.
CREATE OR REPLACE FUNCTION fn_dot_run_has_open_receipt(p_process_run_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  RETURN EXISTS (
    SELECT FROM dot_invocation i WHERE i.process_run_id = p_process_run_id
      AND NOT EXISTS (SELECT FROM process_component_observation c WHERE c.invocation_id = i.invocation_id));
END;
$$;
