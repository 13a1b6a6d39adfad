SELECT x.process_run_id::text AS subject, format('concluded as completed, its producer %s',
  coalesce('is ' || p.status, 'is not there')) AS what
FROM ledger.process_run_conclusion x
LEFT JOIN ledger.process_component_observation p ON p.process_run_id = x.process_run_id
  AND p.component_role = 'producer'
WHERE x.status = 'completed' AND (p.component_run_id IS NULL OR p.status IN ('failed', 'cancelled', 'stuck', 'orphan'));
