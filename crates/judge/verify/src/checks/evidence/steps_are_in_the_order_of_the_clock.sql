-- A warning: a clock that was set back between two steps of an honest run does the same.
SELECT c.component_run_id::text AS subject, format('written at %s, its receipt is of %s', c.created_at, i.begun_at)
  AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
WHERE i.begun_at > c.created_at
UNION ALL
SELECT i.invocation_id::text, format('opened at %s, the producer''s output is of %s', i.begun_at, p.created_at)
FROM ledger.dot_invocation i
JOIN ledger.process_component_observation p ON p.process_run_id = i.process_run_id AND p.component_role = 'producer'
WHERE i.component_role = 'verifier' AND p.created_at > i.begun_at;
