SELECT s.process_run_id::text AS subject, format('stopped by %s, and never begun', quote_literal(left(s.actor,
  200))) AS what
FROM ledger.dot_run_stop s
LEFT JOIN ledger.process_run_observation r ON r.process_run_id = s.process_run_id
WHERE r.lease_token IS NULL;
