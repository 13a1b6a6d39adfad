SELECT left(doubled.idempotency_key, 200) AS subject,
  format('the key of %s rows of %s', doubled.times, doubled.table_name) AS what
FROM (
  SELECT r.idempotency_key, 'process_run_observation' AS table_name, count(*) AS times
  FROM ledger.process_run_observation r WHERE r.idempotency_key IS NOT NULL GROUP BY r.idempotency_key,
    r.attempt HAVING count(*) > 1
  UNION ALL
  SELECT c.idempotency_key, 'process_component_observation', count(*)
  FROM ledger.process_component_observation c WHERE c.idempotency_key IS NOT NULL GROUP BY c.idempotency_key
    HAVING count(*) > 1
) AS doubled;
