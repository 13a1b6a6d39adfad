-- A warning: callers write these two keys too, as far as the contract lets them.
WITH tagged AS (
  SELECT r.process_run_id::text AS subject, r.status, r.evidence_type, r.evidence_ref
  FROM ledger.process_run_observation r
  UNION ALL
  SELECT c.component_run_id::text, c.status, c.evidence_type, c.evidence_ref FROM ledger.process_component_observation c
)
SELECT t.subject,
  format('tagged %s, but %s and %s', CASE WHEN t.evidence_ref @> '{"skipped": true}' THEN 'skipped' ELSE 'prepared' END,
    t.status, t.evidence_type) AS what
FROM tagged t
WHERE (t.evidence_ref @> '{"wrapper_phase": "prepared"}'
  AND (t.status <> 'observed' OR t.evidence_type <> 'SIMULATED_DRY_RUN'))
  OR (t.evidence_ref @> '{"skipped": true}' AND t.status <> 'cancelled');
