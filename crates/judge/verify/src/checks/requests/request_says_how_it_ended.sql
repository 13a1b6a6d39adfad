SELECT q.request_id::text AS subject,
  format('%s, with %s, %s, cancelled by %s because of %s', q.state, coalesce('the outcome ' || q.outcome, 'no outcome'),
    coalesce('ended at ' || q.finished_at, 'not ended'), coalesce(q.cancelled_by, 'nobody'),
      coalesce(quote_literal(q.cancel_reason), 'nothing')) AS what
FROM ledger.dot_run_request q
WHERE (q.state = 'finished') <> (q.outcome IS NOT NULL)
  OR (q.state IN ('finished', 'cancelled')) <> (q.finished_at IS NOT NULL)
  OR (q.state = 'cancelled') <> (q.cancelled_by IS NOT NULL AND q.cancelled_recorded_by IS NOT NULL
    AND q.cancel_reason IS NOT NULL)
  OR (q.outcome = 'refused' AND q.refusal_code IS NULL);
