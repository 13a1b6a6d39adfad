-- Returns what the newest verified run of a candidate and an input left: where, with which digest and size. No row where
-- there is none. Its cost does not depend on the size of the ledger: one index gives the newest passes first.
CREATE OR REPLACE FUNCTION fn_process_last_verified_output(
  p_process_candidate_code text, p_input_ref text,
  OUT process_run_id uuid, OUT output_ref text, OUT output_digest text, OUT output_bytes bigint,
  OUT verified_at timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT v.process_run_id, p.output_ref, p.output_digest,
    -- Evidence is whatever its writer says.
    CASE WHEN p.evidence_ref ->> 'output_bytes' ~ '^[0-9]{1,18}$' THEN (p.evidence_ref ->> 'output_bytes')::bigint END,
    v.created_at
  FROM process_component_observation v
  JOIN process_component_observation p ON p.process_run_id = v.process_run_id AND p.component_role = 'producer'
  JOIN process_run_conclusion x ON x.process_run_id = v.process_run_id
  WHERE v.process_candidate_code = p_process_candidate_code
    AND hashtextextended(coalesce(v.input_ref, '') COLLATE "C", 0)
      = hashtextextended(coalesce(p_input_ref, '') COLLATE "C", 0)
    AND v.input_ref IS NOT DISTINCT FROM p_input_ref
    AND v.evidence_type = 'REAL_RUN' AND v.component_role = 'verifier' AND v.verdict = 'pass'
    AND v.invocation_id IS NOT NULL AND v.status = 'step_completed'
    AND p.evidence_type = 'REAL_RUN' AND p.status = 'step_completed' AND p.invocation_id IS NOT NULL
    AND x.status = 'completed' AND x.verdict = 'pass'
  ORDER BY v.created_at DESC LIMIT 1;
END;
$$;
