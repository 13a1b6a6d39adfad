-- A warning: the single functions let a caller choose any key.
SELECT p.process_run_id::text AS subject, format('both of its parts have keys made of %L, its header has %s',
  left(part.key, 200), coalesce(quote_literal(left(r.idempotency_key, 200)), 'no key')) AS what
FROM ledger.process_component_observation p
JOIN ledger.process_component_observation v ON v.process_run_id = p.process_run_id AND v.component_role = 'verifier'
JOIN ledger.process_run_observation r ON r.process_run_id = p.process_run_id
CROSS JOIN LATERAL (SELECT left(p.idempotency_key, -length(':' || p.dot_code)) AS key) AS part
WHERE p.component_role = 'producer' AND p.idempotency_key = part.key || ':' || p.dot_code
  AND v.idempotency_key = part.key || ':' || v.dot_code
  AND r.idempotency_key IS DISTINCT FROM part.key;
