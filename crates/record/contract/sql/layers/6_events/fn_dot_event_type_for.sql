-- Returns the event type of a stored status, or null where the status has none. A header's statuses are events of the
-- run, a component's step_ statuses are events of the step: a failed component does not announce a failed run.
CREATE OR REPLACE FUNCTION fn_dot_event_type_for(p_status text, p_is_component boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN CASE WHEN p_is_component
    THEN CASE p_status WHEN 'step_started' THEN 'process.step.started'
      WHEN 'step_completed' THEN 'process.step.completed' END
    ELSE CASE p_status WHEN 'started' THEN 'process.run.started' WHEN 'completed' THEN 'process.run.completed'
                       WHEN 'failed' THEN 'process.run.failed' END
  END;
END;
$$;
