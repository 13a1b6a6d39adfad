-- Every attempt but the first beside the one before it.
SELECT r.process_run_id::text AS subject,
  CASE WHEN e.process_run_id IS NULL THEN format('attempt %s of its key, and there is no attempt %s', r.attempt,
    r.attempt - 1)
    WHEN f.process_run_id IS DISTINCT FROM r.attempt_of THEN format('it names %s as the first attempt, which is %s',
      r.attempt_of,
      coalesce(f.process_run_id::text, 'none'))
    WHEN x.process_run_id IS NULL THEN format('begun although attempt %s, the run %s, is not concluded', e.attempt,
      e.process_run_id)
    WHEN x.concluded_at > r.created_at + interval '1 second'
      THEN format('begun before attempt %s, the run %s, was concluded', e.attempt,
      e.process_run_id)
    WHEN x.verdict = 'pass' AND v.evidence_type = p.evidence_type
      THEN format('begun although attempt %s, the run %s, passed', e.attempt, e.process_run_id)
    ELSE format('it is not a repetition of attempt %s, the run %s', e.attempt, e.process_run_id) END AS what
FROM ledger.process_run_observation r
LEFT JOIN ledger.process_run_observation e ON e.idempotency_key = r.idempotency_key AND e.attempt = r.attempt - 1
LEFT JOIN ledger.process_run_observation f ON f.idempotency_key = r.idempotency_key AND f.attempt = 1
LEFT JOIN ledger.process_run_conclusion x ON x.process_run_id = e.process_run_id
LEFT JOIN ledger.process_component_observation p ON p.process_run_id = e.process_run_id
  AND p.component_role = 'producer'
LEFT JOIN ledger.process_component_observation v ON v.process_run_id = e.process_run_id
  AND v.component_role = 'verifier'
WHERE r.attempt > 1
  AND (e.process_run_id IS NULL OR f.process_run_id IS DISTINCT FROM r.attempt_of OR x.process_run_id IS NULL
    OR x.concluded_at > r.created_at + interval '1 second'
    -- A mock's pass is no verdict of a real run.
    OR x.verdict = 'pass' AND v.evidence_type = p.evidence_type
    OR (e.dot_code, e.process_candidate_code, e.correlation_id, e.evidence_type, e.input_ref)
      IS DISTINCT FROM (r.dot_code, r.process_candidate_code, r.correlation_id, r.evidence_type, r.input_ref));
