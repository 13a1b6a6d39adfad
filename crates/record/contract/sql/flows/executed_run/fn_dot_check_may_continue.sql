-- Returns the posture and the number of the last gate change for the receipt of a verifier. Refuses where the run may
-- not go on. It does not ask for the posture of the moment: a window says what may begin, and the run has begun.
CREATE OR REPLACE FUNCTION fn_dot_check_may_continue(p_process_run_id uuid, OUT posture text, OUT change_number bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_is_changed_here boolean;
  v_cause           jsonb;
BEGIN
  SELECT g.posture, g.change_number, g.is_changed_here INTO posture, change_number, v_is_changed_here
  FROM fn_dot_gates_read() g;
  v_cause := fn_dot_run_stop_cause(p_process_run_id);
  IF v_cause IS NOT NULL THEN
    PERFORM fn_dot_refuse('run_stopped', CASE v_cause ->> 'cause'
        WHEN 'gate_closed' THEN format('the run %s may not go on: %s was closed', p_process_run_id, v_cause ->> 'gate')
        WHEN 'window_ended' THEN
          format('the run %s may not go on: the window of %s ended', p_process_run_id, v_cause ->> 'gate')
        WHEN 'run_stopped' THEN format('the run %s was stopped by %s', p_process_run_id, v_cause ->> 'by')
        ELSE format('the run %s may not go on', p_process_run_id) END,
      jsonb_build_object('process_run_id', p_process_run_id) || v_cause);
  ELSIF v_is_changed_here THEN
    PERFORM fn_dot_refuse('busy', 'this transaction changed a gate: the change takes effect when it commits');
  END IF;
END;
$$;
