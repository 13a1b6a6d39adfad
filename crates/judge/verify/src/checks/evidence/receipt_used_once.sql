SELECT c.invocation_id::text AS subject, format('used by %s components', count(*)) AS what
FROM ledger.process_component_observation c
WHERE c.invocation_id IS NOT NULL
GROUP BY c.invocation_id
HAVING count(*) > 1;
