SELECT i.invocation_id::text AS subject,
  CASE WHEN r.process_run_id IS NULL THEN format('its run %s has no header', i.process_run_id)
    ELSE format('no lease was bound to its run %s', i.process_run_id) END AS what
FROM ledger.dot_invocation i
LEFT JOIN ledger.process_run_observation r ON r.process_run_id = i.process_run_id
WHERE r.lease_token IS NULL;
