-- Counted, not left to the unique key: a key can be dropped, and an index can be damaged.
SELECT c.process_run_id::text AS subject, format('%s components in the role %s', count(*), c.component_role) AS what
FROM ledger.process_component_observation c
GROUP BY c.process_run_id, c.component_role
HAVING count(*) > 1;
