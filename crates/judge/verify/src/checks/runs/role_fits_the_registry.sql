-- Judged by the registry as it is today, which keeps no history: a DOT may have changed its role since.
SELECT c.component_run_id::text AS subject, format('%s is recorded as %s, today it is a %s', c.dot_code,
  c.component_role, t.pair_role) AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_tools t ON t.dot_code = c.dot_code
WHERE t.pair_role <> c.component_role
UNION ALL
SELECT r.process_run_id::text, format('its header names %s as the producer, today it is a verifier', r.dot_code)
FROM ledger.process_run_observation r
JOIN ledger.dot_tools t ON t.dot_code = r.dot_code
WHERE t.pair_role = 'verifier';
