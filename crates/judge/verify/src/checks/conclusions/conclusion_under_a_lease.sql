-- A run that is recorded without execution has its final status on its header.
SELECT x.process_run_id::text AS subject, format('concluded as %s, but no lease was bound to the run', x.status) AS what
FROM ledger.process_run_conclusion x
JOIN ledger.process_run_observation r ON r.process_run_id = x.process_run_id
WHERE r.lease_token IS NULL;
