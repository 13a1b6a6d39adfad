-- The candidates with real evidence; simulated and dry evidence cannot appear here.
CREATE OR REPLACE VIEW v_process_discovery_verified_candidates_v3 AS
SELECT s.process_candidate_code, s.has_real_runtime, s.has_cross_component_correlation, s.owner_missing,
  s.best_evidence_type, s.candidate_status_v3, s.birth_gate_status_v3
FROM v_process_discovery_candidate_status_v3 s
WHERE s.candidate_status_v3 IN ('real_run_observed', 'verified_candidate', 'birth_ready');

-- The same ladder with the next rung and what is missing for it. verified_run_id is the newest verified run, with the
-- contracts under which it was called; contracts_current tells whether these are the current ones. Null where the run
-- is of a release that did not record them.
CREATE OR REPLACE VIEW v_process_discovery_birth_readiness_v3 AS
SELECT s.process_candidate_code, s.has_real_runtime, s.has_cross_component_correlation, s.owner_missing,
  s.best_evidence_type, s.candidate_status_v3, s.birth_gate_status_v3,
  CASE s.candidate_status_v3
    WHEN 'structural_candidate' THEN 'simulated_observed'
    WHEN 'backfilled_observed' THEN 'simulated_observed'
    WHEN 'simulated_observed' THEN 'dry_run_observed'
    WHEN 'dry_run_observed' THEN 'real_run_observed'
    WHEN 'real_run_observed' THEN 'verified_candidate'
    WHEN 'verified_candidate' THEN 'birth_ready' END AS next_rung,
  CASE s.candidate_status_v3
    WHEN 'structural_candidate' THEN 'a recorded run of one of its pairs, whatever its status: it shows no execution'
    WHEN 'backfilled_observed'
      THEN 'a recorded run of one of its pairs, whatever its status: what was backfilled is only asserted'
    WHEN 'simulated_observed' THEN
      'a dry run: a producer that completed, with its receipt, in a mode that changes nothing'
    WHEN 'dry_run_observed' THEN 'a real run: a producer that completed, with its receipt'
    WHEN 'real_run_observed' THEN 'one run whose verifier passed that producer''s very output, concluded completed'
    WHEN 'verified_candidate' THEN 'an owner' END AS missing,
  EXISTS (SELECT FROM process_candidate_pair b
    WHERE b.process_candidate_code = s.process_candidate_code AND b.is_inferred) AS has_inferred_pair,
  n.process_run_id AS verified_run_id, n.produced_at AS verified_produced_at, n.producer_contract_sha256,
  n.verifier_contract_sha256,
  CASE WHEN n.producer_contract_sha256 IS NOT NULL AND n.verifier_contract_sha256 IS NOT NULL THEN (
    SELECT count(*) = 2 FROM dot_agent_api_contract c
    WHERE c.mode = 'REAL_RUN' AND c.contract_status = 'active'
      AND (c.dot_code, c.contract_sha256) IN ((n.producer_dot_code, n.producer_contract_sha256),
        (n.verifier_dot_code, n.verifier_contract_sha256))) END AS contracts_current
FROM v_process_discovery_candidate_status_v3 s
LEFT JOIN LATERAL (
  SELECT v.* FROM v_process_verified_run v WHERE v.process_candidate_code = s.process_candidate_code
  ORDER BY v.verified_at DESC LIMIT 1) n ON true;
