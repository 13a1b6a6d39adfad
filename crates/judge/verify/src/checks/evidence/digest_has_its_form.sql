-- Releases before 0009_keys_and_bounds took any text.
WITH digest AS (
  SELECT c.component_run_id AS id, 'output_digest' AS name, c.output_digest AS digest, c.created_at AS written_at
  FROM ledger.process_component_observation c
  UNION ALL
  SELECT i.invocation_id, 'input_digest', i.input_digest, i.begun_at FROM ledger.dot_invocation i
)
SELECT d.id::text AS subject, format('its %s is %L', d.name, left(d.digest, 100)) AS what
FROM digest d
WHERE d.digest !~ '^sha256:[0-9a-f]{64}$'
  AND d.written_at >= coalesce((SELECT m.applied_at FROM ledger.dot_contract_migration m
    WHERE m.name = '0009_keys_and_bounds'),
    '-infinity');
