SELECT r.process_run_id::text AS subject, format('%s in posture %s', r.evidence_type,
  coalesce(r.evidence_ref ->> 'posture', '(none)')) AS what
FROM ledger.process_run_observation r
WHERE CASE r.evidence_type
  WHEN 'REAL_RUN' THEN r.evidence_ref ->> 'posture' IS DISTINCT FROM 'REAL_RUN'
  WHEN 'DRY_RUN' THEN coalesce(r.evidence_ref ->> 'posture', '') NOT IN ('DRY_RUN_ONLY', 'REAL_RUN')
  ELSE false END;
