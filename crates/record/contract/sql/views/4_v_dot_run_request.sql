-- One row per request, with the state of its run. The claim's token is not shown. Status, verdict and warnings are
-- those of v_process_run; they are read from the tables, so that a missing view takes no other one along.
CREATE OR REPLACE VIEW v_dot_run_request AS
SELECT q.request_id, q.dot_code, q.process_candidate_code, q.mode, q.correlation_id, q.input_ref, q.input_digest,
  q.idempotency_key, q.actor, q.recorded_by, q.requested_at, q.not_before, q.state, q.claimed_by, q.claimed_until,
  q.claims, q.claims_lost, q.process_run_id, coalesce(x.status, r.status) AS run_status,
  CASE WHEN x.verdict = 'pass' AND q.mode = 'REAL_RUN' AND 'SIMULATED_DRY_RUN' IN (p.evidence_type, v.evidence_type)
    THEN NULL ELSE x.verdict END AS run_verdict,
  q.outcome, q.refusal_code, q.cancelled_by, q.cancelled_recorded_by, q.cancel_reason, q.finished_at,
  CASE WHEN r.process_run_id IS NOT NULL THEN
    CASE WHEN jsonb_typeof(p.evidence_ref -> 'warnings') = 'array' THEN jsonb_array_length(p.evidence_ref -> 'warnings')
      ELSE 0 END
    + CASE WHEN jsonb_typeof(v.evidence_ref -> 'warnings') = 'array'
      THEN jsonb_array_length(v.evidence_ref -> 'warnings') ELSE 0 END END AS run_warnings,
  q.lease_name, q.priority, q.max_attempts, q.backoff, q.attempt, q.stops, q.last_run_id
FROM dot_run_request q
LEFT JOIN process_run_observation r ON r.process_run_id = q.process_run_id
LEFT JOIN process_run_conclusion x ON x.process_run_id = q.process_run_id
LEFT JOIN process_component_observation p ON p.process_run_id = q.process_run_id AND p.component_role = 'producer'
LEFT JOIN process_component_observation v ON v.process_run_id = q.process_run_id AND v.component_role = 'verifier';
