-- Evidence types and stored statuses are closed lists without null and blank.
CREATE OR REPLACE FUNCTION fn_dot_check_enum(p_evidence_type text, p_status text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_evidence_type IS NULL OR p_evidence_type NOT IN ('REAL_RUN', 'DRY_RUN', 'SIMULATED_DRY_RUN',
    'BACKFILLED_EVIDENCE') THEN
    PERFORM fn_dot_refuse('evidence_type_invalid', format('there is no evidence type %L', left(p_evidence_type, 100)));
  ELSIF p_evidence_type = 'BACKFILLED_EVIDENCE' THEN
    PERFORM fn_dot_refuse('backfill_only', 'BACKFILLED_EVIDENCE comes in through fn_process_backfill alone');
  ELSIF p_status IS NULL OR p_status NOT IN ('observed', 'started', 'step_started', 'step_completed', 'completed',
                                             'failed', 'stuck', 'cancelled', 'orphan') THEN
    PERFORM fn_dot_refuse('status_invalid', format('there is no stored status %L', left(p_status, 100)));
  END IF;
END;
$$;
