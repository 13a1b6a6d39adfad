-- Releases before 0024_run_stop knew no stops, and took any evidence.
SELECT x.process_run_id::text AS subject, format('concluded as stopped by %s, its stop is by %s',
  coalesce(quote_literal(left(x.evidence_ref ->> 'stopped_by', 200)), 'nobody'), coalesce(quote_literal(s.actor),
    'nobody')) AS what
FROM ledger.process_run_conclusion x
LEFT JOIN ledger.dot_run_stop s ON s.process_run_id = x.process_run_id
WHERE (x.evidence_ref ->> 'stopped_by' IS DISTINCT FROM s.actor OR x.evidence_ref ->> 'stop_reason' IS DISTINCT
  FROM s.reason)
  AND x.concluded_at >= coalesce((SELECT m.applied_at FROM ledger.dot_contract_migration m
    WHERE m.name = '0024_run_stop'),
    '-infinity');
