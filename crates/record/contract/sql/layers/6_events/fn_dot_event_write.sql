-- Writes an outbox row of a type that was active a moment ago, where it still is. Returns the number of rows: 0 or 1.
CREATE OR REPLACE FUNCTION fn_dot_event_write(
  p_event_type text, p_process_run_id uuid, p_component_run_id uuid, p_correlation_id text, p_dot_code text,
  p_status text, p_evidence_type text, p_source_system text, p_input_ref text, p_output_ref text) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_type   record;
  v_status text;
  v_now    timestamptz;
  v_until  timestamptz;
  v_shown  text;
BEGIN
  -- Every writer of an event takes this lock in share mode; only fn_event_type_set_active waits for it. So in most
  -- cases no event of an earlier transaction appears after its type was deactivated.
  BEGIN
    LOCK TABLE event_type_registry IN ROW SHARE MODE;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is switching an event type');
  END;
  PERFORM fn_dot_check_snapshot();
  -- Reads the clock, then the type. A switch updates the type, then reads the clock. So the event is older than each
  -- later switch, also than one that stopped waiting for other writers. An xmax of a switch that was rolled back is
  -- ignored.
  v_until := clock_timestamp() + interval '5 seconds';
  LOOP
    v_now := clock_timestamp();
    SELECT r.active, r.stream, r.lane, r.severity, r.xmax AS changed_by INTO v_type
    FROM event_type_registry r WHERE r.event_type = p_event_type;
    v_status := CASE WHEN v_type.changed_by <> '0' THEN fn_dot_xact_status(v_type.changed_by) END;
    EXIT WHEN v_status IS NULL OR v_status = 'aborted';
    PERFORM fn_dot_check_snapshot();
    IF v_now > v_until THEN
      PERFORM fn_dot_refuse('busy', 'another transaction is switching an event type');
    ELSIF v_status = 'in progress' THEN
      PERFORM pg_sleep(0.005);
    END IF;
  END LOOP;
  IF v_type.active IS NOT TRUE THEN
    RETURN 0;
  END IF;
  -- The event must not be older than the activation of its type, which may have been committed between the two reads.
  v_now := greatest(v_now, (SELECT max(h.changed_at) FROM event_type_history h WHERE h.event_type = p_event_type));
  -- A header's claim proves nothing, and other systems act on events: a run event reports what the rows of the run
  -- show.
  IF p_component_run_id IS NULL THEN
    SELECT v.evidence_type INTO v_shown FROM v_process_run v WHERE v.process_run_id = p_process_run_id;
  END IF;
  INSERT INTO event_outbox (event_id, event_type, stream, lane, severity, correlation_id, process_run_id,
    component_run_id, payload, occurred_at)
  VALUES (fn_dot_uuid_v7(), p_event_type, v_type.stream, v_type.lane, v_type.severity, p_correlation_id,
    p_process_run_id, p_component_run_id,
    jsonb_build_object('process_run_id', p_process_run_id, 'correlation_id', p_correlation_id,
      'component_run_id', p_component_run_id, 'dot_code', p_dot_code, 'status', p_status, 'evidence_type',
      coalesce(v_shown, p_evidence_type), 'source_system', p_source_system, 'input_ref', p_input_ref, 'output_ref',
      p_output_ref), v_now);
  RETURN 1;
END;
$$;
