-- A DOT is never removed from the registry, only retired: one that is missing was never there.
SELECT named.subject, format('%s names the DOT %L, which is not registered', named.kind, left(named.dot_code, 200))
  AS what
FROM (
  SELECT r.process_run_id::text AS subject, 'the header' AS kind, r.dot_code FROM ledger.process_run_observation r
  UNION ALL
  SELECT c.component_run_id::text, 'the component', c.dot_code FROM ledger.process_component_observation c
  UNION ALL
  SELECT i.invocation_id::text, 'the receipt', i.dot_code FROM ledger.dot_invocation i
) AS named
WHERE named.dot_code IS NOT NULL AND NOT EXISTS (SELECT FROM ledger.dot_tools t WHERE t.dot_code = named.dot_code);
