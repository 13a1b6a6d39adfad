SELECT c.component_run_id::text AS subject, format('recorded by %s, its receipt %s by %s', c.recorded_by,
  i.invocation_id, i.recorded_by) AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
WHERE c.recorded_by <> i.recorded_by;
