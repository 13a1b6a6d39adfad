-- One transaction writes a run's header and its producer's receipt.
SELECT i.invocation_id::text AS subject, format('opened by %s, its run %s was begun by %s', i.recorded_by,
  r.process_run_id, r.recorded_by) AS what
FROM ledger.dot_invocation i
JOIN ledger.process_run_observation r ON r.process_run_id = i.process_run_id
WHERE i.component_role = 'producer' AND i.recorded_by <> r.recorded_by;
