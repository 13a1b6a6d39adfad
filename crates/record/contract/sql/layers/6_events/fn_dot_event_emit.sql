-- Writes an outbox row where the event type is active, in the transaction that the event reports. Returns the number of
-- rows: 0 or 1.
CREATE OR REPLACE FUNCTION fn_dot_event_emit(
  p_event_type text, p_process_run_id uuid, p_component_run_id uuid, p_correlation_id text, p_dot_code text,
  p_status text, p_evidence_type text, p_source_system text, p_input_ref text, p_output_ref text) RETURNS integer
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM event_type_registry r WHERE r.event_type = p_event_type AND r.active) THEN
    RETURN 0;
  END IF;
  RETURN fn_dot_event_write(p_event_type, p_process_run_id, p_component_run_id, p_correlation_id, p_dot_code, p_status,
    p_evidence_type, p_source_system, p_input_ref, p_output_ref);
END;
$$;
