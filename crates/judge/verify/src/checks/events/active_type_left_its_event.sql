-- A warning: a transaction that could not see the switch yet writes no event, and a clock may have been set. Close to a
-- switch nothing is asked.
WITH told AS (
  SELECT r.process_run_id, NULL::uuid AS component_run_id, 'process.run.' || r.status AS event_type,
    r.created_at AS written_at
  FROM ledger.process_run_observation r WHERE r.status IN ('started', 'completed', 'failed')
    AND r.evidence_type <> 'BACKFILLED_EVIDENCE'
  UNION ALL
  SELECT x.process_run_id, NULL, 'process.run.' || x.status, x.concluded_at
  FROM ledger.process_run_conclusion x WHERE x.status IN ('completed', 'failed')
  UNION ALL
  SELECT c.process_run_id, c.component_run_id, replace('process.' || c.status, 'step_', 'step.'), c.created_at
  FROM ledger.process_component_observation c WHERE c.status IN ('step_started', 'step_completed')
    AND c.evidence_type <> 'BACKFILLED_EVIDENCE'
)
SELECT coalesce(t.component_run_id, t.process_run_id)::text AS subject,
  format('no %s of %s, and the type was active', t.event_type, t.written_at) AS what
FROM told t
WHERE (SELECT h.active FROM ledger.event_type_history h WHERE h.event_type = t.event_type
  AND h.changed_at <= t.written_at
       ORDER BY h.changed_at DESC, h.change_id DESC LIMIT 1)
  AND NOT EXISTS (SELECT FROM ledger.event_type_history h WHERE h.event_type = t.event_type
                  AND h.changed_at BETWEEN t.written_at - interval '10 seconds'
                    AND t.written_at + interval '10 seconds')
  AND NOT EXISTS (SELECT FROM ledger.event_outbox o WHERE o.event_type = t.event_type
    AND o.process_run_id = t.process_run_id
                  AND o.component_run_id IS NOT DISTINCT FROM t.component_run_id);
