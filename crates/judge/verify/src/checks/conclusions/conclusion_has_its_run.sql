SELECT x.process_run_id::text AS subject, 'a conclusion without a header' AS what
FROM ledger.process_run_conclusion x
WHERE NOT EXISTS (SELECT FROM ledger.process_run_observation r WHERE r.process_run_id = x.process_run_id);
