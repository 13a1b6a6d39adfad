SELECT r.process_run_id::text AS subject, format('it has a %s', t.what) AS what
FROM ledger.process_run_observation r
JOIN (
  SELECT c.process_run_id, 'producer' AS what FROM ledger.process_component_observation c
    WHERE c.component_role = 'producer'
  UNION ALL
  SELECT i.process_run_id, 'receipt of a producer' FROM ledger.dot_invocation i WHERE i.component_role = 'producer'
  UNION ALL
  SELECT i.process_run_id, 'receipt above DRY_RUN' FROM ledger.dot_invocation i WHERE i.mode <> 'DRY_RUN'
) t ON t.process_run_id = r.process_run_id
WHERE r.reverifies IS NOT NULL;
