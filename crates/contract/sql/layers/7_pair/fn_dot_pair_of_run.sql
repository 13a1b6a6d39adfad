-- What the first call of an idempotency key returned, for its rerun.
CREATE OR REPLACE FUNCTION fn_dot_pair_of_run(p_run process_run_observation)
RETURNS TABLE (process_run_id uuid, producer_component_run_id uuid, verifier_component_run_id uuid, status text,
               evidence_type text, created boolean, events_emitted integer, output_ref text, error_ref text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT p_run.process_run_id,
    (SELECT c.component_run_id FROM process_component_observation c WHERE c.process_run_id = p_run.process_run_id AND c.component_role = 'producer'),
    (SELECT c.component_run_id FROM process_component_observation c WHERE c.process_run_id = p_run.process_run_id AND c.component_role = 'verifier'),
    p_run.status, p_run.evidence_type, false, 0, p_run.output_ref, p_run.error_ref;
END;
$$;
