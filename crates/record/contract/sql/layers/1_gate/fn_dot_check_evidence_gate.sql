-- Refuses evidence of an execution while the gates are closed. Called where there is no receipt. The caller has checked
-- that the type is one of the four.
CREATE OR REPLACE FUNCTION fn_dot_check_evidence_gate(p_evidence_type text, p_posture text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  IF p_evidence_type = 'REAL_RUN' AND p_posture <> 'REAL_RUN' THEN
    -- real_run_enabled is true while an outer gate is closed. The code no_execute leads to the gate to open next.
    IF p_posture = 'NO_EXECUTE' AND EXISTS (
         SELECT FROM dot_config c WHERE c.key = 'process_dot_runtime.real_run_enabled' AND c.value = 'true'
           AND (c.expires_at IS NULL OR c.expires_at > v_now)) THEN
      PERFORM fn_dot_refuse('no_execute', 'REAL_RUN is refused: the posture is NO_EXECUTE',
        jsonb_build_object('posture', p_posture));
    END IF;
    PERFORM fn_dot_refuse('real_run_disabled', format('REAL_RUN is refused: the posture is %s', p_posture),
      jsonb_build_object('posture', p_posture));
  ELSIF p_evidence_type = 'DRY_RUN' AND p_posture = 'NO_EXECUTE' THEN
    PERFORM fn_dot_refuse('no_execute', 'DRY_RUN is refused: the posture is NO_EXECUTE',
      jsonb_build_object('posture', p_posture));
  END IF;
END;
$$;
