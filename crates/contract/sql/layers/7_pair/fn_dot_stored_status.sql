-- The seed's status model: what a wrapper status is stored as. 'blocked' is not stored at all; asking for it is refused
-- like every status that does not exist.
CREATE OR REPLACE FUNCTION fn_dot_stored_status(
  p_wrapper_status text, p_evidence_type text, p_dry_run boolean,
  OUT run_status text, OUT component_status text, OUT evidence_type text, OUT tags jsonb, OUT has_started boolean, OUT has_ended boolean)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  run_status := CASE p_wrapper_status WHEN 'prepared' THEN 'observed' WHEN 'started' THEN 'started'
    WHEN 'completed' THEN 'completed' WHEN 'failed' THEN 'failed' WHEN 'skipped' THEN 'cancelled' END;
  IF run_status IS NULL THEN
    PERFORM fn_dot_refuse('status_invalid', CASE WHEN p_wrapper_status = 'blocked' THEN 'blocked is never stored: nothing is inserted'
      ELSE format('there is no wrapper status %L', left(p_wrapper_status, 100)) END);
  END IF;
  component_status := CASE run_status WHEN 'started' THEN 'step_started' WHEN 'completed' THEN 'step_completed' ELSE run_status END;
  has_started := p_wrapper_status IN ('started', 'completed', 'failed');
  has_ended := p_wrapper_status IN ('completed', 'failed');

  IF p_wrapper_status = 'prepared' AND p_evidence_type IN ('REAL_RUN', 'DRY_RUN', 'SIMULATED_DRY_RUN', 'BACKFILLED_EVIDENCE') THEN
    -- Nothing has run yet, whatever is planned: that is kept as a note, and claims nothing.
    evidence_type := 'SIMULATED_DRY_RUN';
    tags := jsonb_build_object('wrapper_phase', 'prepared', 'requested_evidence_type', p_evidence_type);
    RETURN;
  END IF;
  PERFORM fn_dot_check_choice(p_evidence_type, run_status);
  IF p_evidence_type = 'REAL_RUN' AND p_dry_run IS NOT FALSE THEN
    PERFORM fn_dot_refuse('dry_run_contradiction', 'REAL_RUN and p_dry_run => true contradict each other');
  END IF;
  evidence_type := p_evidence_type;
  tags := CASE WHEN p_wrapper_status = 'skipped' THEN '{"skipped": true}' ELSE '{}' END::jsonb;
END;
$$;
