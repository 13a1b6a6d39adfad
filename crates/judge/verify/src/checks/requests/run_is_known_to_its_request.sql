-- A run that was only recorded bears any key that its caller likes.
SELECT r.process_run_id::text AS subject, format('begun for the request %s, which is %s and names %s', q.request_id,
  q.state, coalesce('the run ' || q.process_run_id, 'no run')) AS what
FROM ledger.dot_run_request q
JOIN ledger.process_run_observation r ON r.idempotency_key = 'request:' || q.request_id
-- The newest attempt is the request's run, or its last one while it waits for the next.
WHERE r.lease_token IS NOT NULL AND (r.attempt > q.attempt
  OR r.attempt = q.attempt AND coalesce(q.process_run_id, q.last_run_id) IS DISTINCT FROM r.process_run_id);
