SELECT x.process_run_id::text AS subject,
  format('concluded with pass, its verifier said %s',
    coalesce(v.verdict, CASE WHEN v.component_run_id IS NULL THEN 'nothing, there is none' ELSE 'nothing' END)) AS what
FROM ledger.process_run_conclusion x
LEFT JOIN ledger.process_component_observation v ON v.process_run_id = x.process_run_id
  AND v.component_role = 'verifier'
WHERE x.verdict = 'pass' AND v.verdict IS DISTINCT FROM 'pass';
