-- The verdict is in two rows; pass_is_the_verifiers compares a pass.
SELECT x.process_run_id::text AS subject,
  format('concluded with %s, its verifier said %s', coalesce(x.verdict, 'no verdict'), coalesce(v.verdict, 'nothing'))
    AS what
FROM ledger.process_run_conclusion x
LEFT JOIN ledger.process_component_observation v ON v.process_run_id = x.process_run_id
  AND v.component_role = 'verifier'
WHERE x.verdict IS DISTINCT FROM 'pass' AND x.verdict IS DISTINCT FROM v.verdict;
