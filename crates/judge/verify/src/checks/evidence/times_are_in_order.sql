-- Releases before 0009_keys_and_bounds took any readable time. An hour more than the day that the contract allows: a
-- row is written a little after its times were looked at, and the server's clock may be set meanwhile.
WITH times AS (
  SELECT r.process_run_id AS id, r.started_at, r.ended_at, r.created_at FROM ledger.process_run_observation r
  UNION ALL
  SELECT c.component_run_id, c.started_at, c.ended_at, c.created_at FROM ledger.process_component_observation c
)
SELECT t.id::text AS subject,
  CASE WHEN t.ended_at < t.started_at THEN format('started at %s, ended at %s', t.started_at, t.ended_at)
    ELSE format('its time %s lies behind its recording at %s', greatest(t.started_at, t.ended_at), t.created_at)
    END AS what
FROM times t
WHERE (t.ended_at < t.started_at OR greatest(t.started_at, t.ended_at) > t.created_at + interval '25 hours')
  AND t.created_at >= coalesce((SELECT m.applied_at FROM ledger.dot_contract_migration m
    WHERE m.name = '0009_keys_and_bounds'),
    '-infinity');
