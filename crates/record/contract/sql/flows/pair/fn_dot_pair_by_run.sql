-- Returns the result of the first call with an idempotency key, for a repeated call.
CREATE OR REPLACE FUNCTION fn_dot_pair_by_run(p_process_run_id uuid)
RETURNS TABLE (process_run_id uuid, producer_component_run_id uuid, verifier_component_run_id uuid, status text,
               evidence_type text, created boolean, events_emitted integer, output_ref text, error_ref text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT r.process_run_id,
    (SELECT c.component_run_id FROM process_component_observation c
     WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer'),
    (SELECT c.component_run_id FROM process_component_observation c
     WHERE c.process_run_id = p_process_run_id AND c.component_role = 'verifier'),
    r.status, r.evidence_type, false, 0, r.output_ref, r.error_ref
  FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
END;
$$;
