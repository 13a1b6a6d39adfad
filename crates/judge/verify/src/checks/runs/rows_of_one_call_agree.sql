-- A pair's call writes its rows under one reading of the clock.
SELECT c.component_run_id::text AS subject,
  format('recorded by %s for %s, its header, of the same instant, by %s for %s', c.recorded_by, c.actor, r.recorded_by,
  r.actor) AS what
FROM ledger.process_component_observation c
JOIN ledger.process_run_observation r ON r.process_run_id = c.process_run_id AND r.created_at = c.created_at
WHERE (c.recorded_by, c.actor) IS DISTINCT FROM (r.recorded_by, r.actor);
