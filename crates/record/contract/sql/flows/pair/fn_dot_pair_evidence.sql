-- The less common part of the status model: a pair that is prepared or skipped, or that claims an execution. Returns
-- the evidence type to store, and the caller's evidence_ref with the wrapper's tags.
CREATE OR REPLACE FUNCTION fn_dot_pair_evidence(
  p_wrapper_status text, p_dry_run boolean, INOUT p_evidence_type text, INOUT p_evidence_ref jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_wrapper_status = 'prepared' AND p_evidence_type IN ('REAL_RUN', 'DRY_RUN', 'SIMULATED_DRY_RUN',
    'BACKFILLED_EVIDENCE') THEN
    -- Nothing has run yet. The requested evidence type is kept as a tag and claims nothing.
    p_evidence_ref := coalesce(p_evidence_ref, '{}')
      || jsonb_build_object('wrapper_phase', 'prepared', 'requested_evidence_type', p_evidence_type);
    p_evidence_type := 'SIMULATED_DRY_RUN';
    RETURN;
  END IF;
  PERFORM fn_dot_check_enum(p_evidence_type, 'observed');
  IF p_evidence_type = 'REAL_RUN' AND p_dry_run IS NOT FALSE THEN
    PERFORM fn_dot_refuse('dry_run_contradiction', 'REAL_RUN and p_dry_run => true contradict each other');
  END IF;
  IF p_wrapper_status = 'skipped' THEN
    p_evidence_ref := coalesce(p_evidence_ref, '{}') || '{"skipped": true}';
  END IF;
END;
$$;
