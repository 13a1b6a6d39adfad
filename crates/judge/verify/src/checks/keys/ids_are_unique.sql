-- Counted, not left to the primary keys: a key can be dropped, and an index can be damaged.
SELECT doubled.id::text AS subject, format('%s rows of %s have this id', doubled.times, doubled.table_name) AS what
FROM (
  SELECT r.process_run_id AS id, 'process_run_observation' AS table_name,
    count(*) AS times FROM ledger.process_run_observation r GROUP BY r.process_run_id HAVING count(*) > 1
  UNION ALL
  SELECT c.component_run_id, 'process_component_observation', count(*) FROM ledger.process_component_observation c
  GROUP BY c.component_run_id HAVING count(*) > 1
  UNION ALL
  SELECT i.invocation_id, 'dot_invocation', count(*) FROM ledger.dot_invocation i GROUP BY i.invocation_id
    HAVING count(*) > 1
  UNION ALL
  SELECT o.event_id, 'event_outbox', count(*) FROM ledger.event_outbox o GROUP BY o.event_id HAVING count(*) > 1
) AS doubled;
