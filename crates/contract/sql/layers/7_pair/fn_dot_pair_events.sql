-- The events of a whole pair; one look where no type is active, as shipped.
CREATE OR REPLACE FUNCTION fn_dot_pair_events(
  p_process_run_id uuid, p_producer_id uuid, p_verifier_id uuid, p_correlation_id text, p_producer text, p_verifier text,
  p_run_status text, p_component_status text, p_evidence_type text, p_input_ref text, p_output_ref text) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM event_type_registry r WHERE r.active) THEN
    RETURN 0;
  END IF;
  RETURN fn_dot_event_emit(fn_dot_event_type_of(p_run_status, false), p_process_run_id, NULL, p_correlation_id, p_producer,
           p_run_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref)
       + fn_dot_event_emit(fn_dot_event_type_of(p_component_status, true), p_process_run_id, p_producer_id, p_correlation_id, p_producer,
           p_component_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref)
       + fn_dot_event_emit(fn_dot_event_type_of(p_component_status, true), p_process_run_id, p_verifier_id, p_correlation_id, p_verifier,
           p_component_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref);
END;
$$;
