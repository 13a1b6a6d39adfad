-- One row per request, with the state of its run. The claim's token is not shown.
CREATE OR REPLACE VIEW v_dot_run_request AS
SELECT q.request_id, q.dot_code, q.process_candidate_code, q.mode, q.correlation_id, q.input_ref, q.input_digest,
  q.idempotency_key, q.actor, q.recorded_by, q.requested_at, q.not_before, q.state, q.claimed_by, q.claimed_until,
  q.claims, q.claims_lost, q.process_run_id, r.status AS run_status, r.verdict AS run_verdict,
  q.outcome, q.refusal_code, q.cancelled_by, q.cancelled_recorded_by, q.cancel_reason, q.finished_at, r.warnings AS run_warnings
FROM dot_run_request q
LEFT JOIN v_process_run r ON r.process_run_id = q.process_run_id;
