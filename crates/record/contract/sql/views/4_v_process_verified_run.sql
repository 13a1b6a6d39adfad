-- The verified runs: the ladder's own proof. One row per run whose verifier passed that producer's very output, both
-- called for real under receipts of this run, concluded completed, for a candidate that the producer is declared for
-- now. produced_at is the time of the producer's receipt: the data are as old as the moment when they were read.
CREATE OR REPLACE VIEW v_process_verified_run AS
SELECT v.process_candidate_code, v.process_run_id, p.dot_code AS producer_dot_code, v.dot_code AS verifier_dot_code,
  p.output_digest, pi.begun_at AS produced_at, v.created_at AS verified_at,
  pi.contract_sha256 AS producer_contract_sha256, vi.contract_sha256 AS verifier_contract_sha256
FROM process_component_observation v
JOIN process_component_observation p ON p.process_run_id = v.process_run_id AND p.component_role = 'producer'
JOIN dot_invocation vi ON vi.invocation_id = v.invocation_id
JOIN dot_invocation pi ON pi.invocation_id = p.invocation_id
JOIN process_run_conclusion x ON x.process_run_id = v.process_run_id
JOIN process_run_observation r ON r.process_run_id = v.process_run_id
WHERE v.evidence_type = 'REAL_RUN' AND v.component_role = 'verifier'
  AND v.verdict = 'pass' AND v.status = 'step_completed' AND v.invocation_id IS NOT NULL
  AND p.evidence_type = 'REAL_RUN' AND p.status = 'step_completed'
  AND p.process_candidate_code = v.process_candidate_code
  AND p.correlation_id = v.correlation_id AND r.correlation_id = v.correlation_id
  AND vi.process_run_id = v.process_run_id AND pi.process_run_id = v.process_run_id
  AND vi.dot_code = v.dot_code AND pi.dot_code = p.dot_code
  AND vi.component_role = 'verifier' AND pi.component_role = 'producer' AND vi.mode = 'REAL_RUN'
  AND pi.mode = 'REAL_RUN'
  AND vi.input_digest = p.output_digest
  AND EXISTS (SELECT FROM process_candidate_pair b
    WHERE b.process_candidate_code = v.process_candidate_code AND b.dot_code = p.dot_code)
  AND x.status = 'completed' AND x.verdict = 'pass';
