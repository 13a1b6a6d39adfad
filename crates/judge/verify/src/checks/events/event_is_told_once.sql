-- Delivery repeats; the outbox does not.
SELECT min(o.event_id::text) AS subject, format('%s rows of %s about %s', count(*), o.event_type,
  coalesce('the component ' || o.component_run_id, 'the run ' || o.process_run_id)) AS what
FROM ledger.event_outbox o
GROUP BY o.event_type, o.process_run_id, o.component_run_id
HAVING count(*) > 1;
