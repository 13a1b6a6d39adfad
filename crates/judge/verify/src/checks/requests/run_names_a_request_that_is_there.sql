-- A warning: a caller may begin a run under any key, also one that looks like a request's.
SELECT r.process_run_id::text AS subject, format('begun under the key %L, and there is no such request',
  r.idempotency_key) AS what
FROM ledger.process_run_observation r
WHERE r.lease_token IS NOT NULL AND r.idempotency_key ~ '^request:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  AND NOT EXISTS (SELECT FROM ledger.dot_run_request q WHERE r.idempotency_key = 'request:' || q.request_id);
