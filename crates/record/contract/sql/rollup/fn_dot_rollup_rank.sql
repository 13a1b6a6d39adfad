-- The rank of a component as its DOT's best evidence: 0 backfilled, 1 simulated, 2 dry run, 3 real run; null for a call
-- that did not complete, which proves nothing. v_process_observation_rollup has the same expression for open runs.
CREATE OR REPLACE FUNCTION fn_dot_rollup_rank(p_evidence_type text, p_status text) RETURNS smallint
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN CASE
    WHEN p_evidence_type IN ('BACKFILLED_EVIDENCE', 'SIMULATED_DRY_RUN') OR p_status = 'step_completed'
      THEN array_position('{BACKFILLED_EVIDENCE,SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[], p_evidence_type) - 1
  END;
END;
$$;
