-- A run's event tells of its header or of its conclusion, a step's event of its component. The evidence type of a run's
-- event is what its rows showed then (event_claims_what_its_run_shows); older releases wrote what the header claims.
WITH told AS (
  SELECT r.process_run_id, NULL::uuid AS component_run_id, r.correlation_id, r.dot_code, r.status, r.evidence_type,
    r.source_system,
    r.input_ref, r.output_ref, 'process.run.' || r.status AS event_type
  FROM ledger.process_run_observation r
  UNION ALL
  SELECT r.process_run_id, NULL, r.correlation_id, r.dot_code, x.status, r.evidence_type, r.source_system,
    r.input_ref, coalesce(x.output_ref, r.output_ref), 'process.run.' || x.status
  FROM ledger.process_run_conclusion x JOIN ledger.process_run_observation r ON r.process_run_id = x.process_run_id
  UNION ALL
  SELECT c.process_run_id, c.component_run_id, c.correlation_id, c.dot_code, c.status, c.evidence_type, c.source_system,
    c.input_ref, c.output_ref, replace('process.' || c.status, 'step_', 'step.')
  FROM ledger.process_component_observation c
)
SELECT o.event_id::text AS subject, format('%s about %s tells of no row as it is', o.event_type,
  coalesce('the component ' || o.component_run_id, 'the run ' || o.process_run_id)) AS what
FROM ledger.event_outbox o
LEFT JOIN ledger.event_type_registry e ON e.event_type = o.event_type
WHERE NOT EXISTS (
  SELECT FROM told t
  WHERE t.process_run_id = o.process_run_id AND t.component_run_id IS NOT DISTINCT FROM o.component_run_id
    AND t.correlation_id = o.correlation_id
    -- The two alarms are about what is missing, at whatever status.
    AND (t.event_type = o.event_type OR o.event_type IN ('process.correlation.missing', 'process.evidence.missing'))
    AND o.payload @> jsonb_build_object('process_run_id', t.process_run_id, 'component_run_id', t.component_run_id,
      'correlation_id', t.correlation_id, 'dot_code', t.dot_code, 'status', t.status,
      'source_system', t.source_system, 'input_ref', t.input_ref, 'output_ref', t.output_ref)
    AND (o.payload ->> 'evidence_type' = t.evidence_type
      OR o.component_run_id IS NULL AND o.payload ->> 'evidence_type' IN ('SIMULATED_DRY_RUN', (
        SELECT c.evidence_type FROM ledger.process_component_observation c
        WHERE c.process_run_id = o.process_run_id AND c.component_role = 'producer'))))
  OR (o.stream, o.lane, o.severity) IS DISTINCT FROM (e.stream, e.lane, e.severity);
