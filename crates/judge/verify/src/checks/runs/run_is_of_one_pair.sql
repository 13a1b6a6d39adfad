-- Judged by the registry as it is today, which keeps no history: the two may have been a pair when the run was
-- recorded.
SELECT v.process_run_id::text AS subject,
  format('verifier %s beside producer %s, today it verifies %s', v.dot_code, coalesce(p.dot_code, r.dot_code),
    coalesce(t.paired_dot, 'nothing')) AS what
FROM ledger.process_component_observation v
JOIN ledger.process_run_observation r ON r.process_run_id = v.process_run_id
LEFT JOIN ledger.process_component_observation p ON p.process_run_id = v.process_run_id
  AND p.component_role = 'producer'
JOIN ledger.dot_tools t ON t.dot_code = v.dot_code
WHERE v.component_role = 'verifier' AND t.paired_dot IS DISTINCT FROM coalesce(p.dot_code, r.dot_code, t.paired_dot);
