-- Both were written as one and the same code, whatever the registry says today. A header may name none.
SELECT c.component_run_id::text AS subject, format('producer %s in a run of %s', c.dot_code, r.dot_code) AS what
FROM ledger.process_component_observation c
JOIN ledger.process_run_observation r ON r.process_run_id = c.process_run_id
WHERE c.component_role = 'producer' AND r.dot_code IS NOT NULL AND c.dot_code <> r.dot_code;
