-- One transaction writes both, one after the other. A machine can be suspended between the two.
SELECT i.invocation_id::text AS subject, format('opened at %s, its run %s was begun at %s', i.begun_at,
  r.process_run_id, r.created_at) AS what
FROM ledger.dot_invocation i
JOIN ledger.process_run_observation r ON r.process_run_id = i.process_run_id
WHERE i.component_role = 'producer' AND i.begun_at NOT BETWEEN r.created_at - interval '1 hour'
  AND r.created_at + interval '1 hour';
