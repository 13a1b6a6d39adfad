-- A second try is another run: else the better of two answers could be picked.
SELECT i.process_run_id::text AS subject, format('%s receipts in the role %s', count(*), i.component_role) AS what
FROM ledger.dot_invocation i
GROUP BY i.process_run_id, i.component_role
HAVING count(*) > 1;
