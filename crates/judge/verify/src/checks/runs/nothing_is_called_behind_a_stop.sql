-- A receipt and a stop of one run wait for each other, so that their times are in the order of their commits.
SELECT i.invocation_id::text AS subject, format('opened at %s, its run was stopped at %s', i.begun_at,
  s.stopped_at) AS what
FROM ledger.dot_run_stop s JOIN ledger.dot_invocation i ON i.process_run_id = s.process_run_id
WHERE i.begun_at > s.stopped_at;
