-- Writes the events of a whole pair, for the active types. p_ids: run, producer, verifier.
CREATE OR REPLACE FUNCTION fn_dot_pair_events(
  p_ids uuid[], p_correlation_id text, p_producer text, p_verifier text,
  p_run_status text, p_component_status text, p_evidence_type text, p_input_ref text, p_output_ref text) RETURNS integer
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_run_event  text := fn_dot_event_type_for(p_run_status, false);
  v_step_event text := fn_dot_event_type_for(p_component_status, true);
BEGIN
  RETURN fn_dot_event_emit(v_run_event, p_ids[1], NULL, p_correlation_id, p_producer, p_run_status, p_evidence_type,
    'dot_exec_wrapper', p_input_ref, p_output_ref)
       + fn_dot_event_emit(v_step_event, p_ids[1], p_ids[2], p_correlation_id, p_producer, p_component_status,
         p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref)
       + fn_dot_event_emit(v_step_event, p_ids[1], p_ids[3], p_correlation_id, p_verifier, p_component_status,
         p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref);
END;
$$;
