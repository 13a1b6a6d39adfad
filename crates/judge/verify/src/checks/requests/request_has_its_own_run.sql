SELECT q.request_id::text AS subject,
  CASE WHEN q.process_run_id IS NULL THEN 'concluded without a run'
    WHEN r.process_run_id IS NULL THEN format('its run %s is not there', q.process_run_id)
    WHEN r.idempotency_key IS DISTINCT FROM 'request:' || q.request_id THEN format('its run %s has %s',
      r.process_run_id, coalesce('the key ' || quote_literal(r.idempotency_key), 'no key'))
    WHEN r.lease_token IS NULL THEN format('its run %s was never begun', r.process_run_id)
    WHEN x.process_run_id IS NULL AND q.outcome = 'concluded' THEN format('its run %s is not concluded',
      r.process_run_id)
    ELSE format('its run %s is not what was asked for', r.process_run_id) END AS what
FROM ledger.dot_run_request q
LEFT JOIN ledger.process_run_observation r ON r.process_run_id = q.process_run_id
LEFT JOIN ledger.process_run_conclusion x ON x.process_run_id = q.process_run_id
WHERE CASE WHEN q.process_run_id IS NULL THEN q.outcome = 'concluded'
  ELSE r.process_run_id IS NULL OR r.idempotency_key IS DISTINCT FROM 'request:' || q.request_id
    OR r.lease_token IS NULL
    OR (x.process_run_id IS NULL AND q.outcome = 'concluded')
    OR (r.dot_code, r.process_candidate_code, r.correlation_id, r.evidence_type)
      IS DISTINCT FROM (q.dot_code, q.process_candidate_code, q.correlation_id, q.mode) END;
