SELECT r.process_run_id::text AS subject,
  CASE WHEN e.process_run_id IS NULL THEN 'the run that it verifies again is not there'
    WHEN e.reverifies IS NOT NULL THEN 'it verifies a verification'
    WHEN p.output_digest IS NULL THEN 'the run that it verifies again committed no output'
    ELSE 'it is of another candidate or producer than the run that it verifies again' END AS what
FROM ledger.process_run_observation r
LEFT JOIN ledger.process_run_observation e ON e.process_run_id = r.reverifies
LEFT JOIN ledger.process_component_observation p ON p.process_run_id = e.process_run_id
  AND p.component_role = 'producer' AND p.status = 'step_completed'
WHERE r.reverifies IS NOT NULL
  AND (e.process_run_id IS NULL OR e.reverifies IS NOT NULL OR p.output_digest IS NULL
    OR (e.process_candidate_code, e.dot_code) IS DISTINCT FROM (r.process_candidate_code, r.dot_code));
