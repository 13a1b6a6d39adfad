-- Writes an outbox row of a type that was just seen active, where it still is. Returns how many: 0 or 1.
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
  -- Locked by everything that writes an event, against the switching of types alone (fn_event_type_set_active), which
  -- waits for it: mostly no event of a transaction that began earlier appears after its type was switched off.
  BEGIN
    LOCK TABLE event_type_registry IN ROW SHARE MODE;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is just switching an event type');
  END;
  PERFORM fn_dot_check_snapshot();
  -- The clock, then the type: a switch updates the type, then reads the clock. So the event is older than each switch
  -- that follows it, also than one that gave up waiting for other writers. What a switch that was rolled back left in
  -- xmax is not waited for.
  v_until := clock_timestamp() + interval '5 seconds';
  LOOP
    v_now := clock_timestamp();
    SELECT r.active, r.stream, r.lane, r.severity, r.xmax AS changed_by INTO v_type
    FROM event_type_registry r WHERE r.event_type = p_event_type;
    v_status := CASE WHEN v_type.changed_by <> '0' THEN fn_dot_xact_status(v_type.changed_by) END;
    EXIT WHEN v_status IS NULL OR v_status = 'aborted';
    PERFORM fn_dot_check_snapshot();
    IF v_now > v_until THEN
      PERFORM fn_dot_refuse('busy', 'another transaction is just switching an event type');
    ELSIF v_status = 'in progress' THEN
      PERFORM pg_sleep(0.005);
    END IF;
  END LOOP;
  IF v_type.active IS NOT TRUE THEN
    RETURN 0;
  END IF;
  -- Not older than the switch that made the type active: that one may have been committed between the two looks.
  v_now := greatest(v_now, (SELECT max(h.changed_at) FROM event_type_history h WHERE h.event_type = p_event_type));
  -- What a header claims proves nothing, and others act on events: an event of a run tells what the rows of the run
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
