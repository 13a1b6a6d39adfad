-- A warning: releases before 0009_keys_and_bounds let a caller choose any key.
WITH derived AS (
  SELECT c.component_run_id, c.process_run_id, c.idempotency_key, left(c.idempotency_key, -length(':' || c.dot_code))
    AS run_key
  FROM ledger.process_component_observation c
  WHERE right(c.idempotency_key, length(':' || c.dot_code)) = ':' || c.dot_code
)
SELECT d.component_run_id::text AS subject, format('its key %L is made of that of the run %s',
  left(d.idempotency_key, 200), r.process_run_id) AS what
FROM derived d
JOIN ledger.process_run_observation r ON r.idempotency_key = d.run_key
WHERE r.process_run_id <> d.process_run_id;
