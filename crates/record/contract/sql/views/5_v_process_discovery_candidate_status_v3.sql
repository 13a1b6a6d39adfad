-- The ladder. It reads real and dry evidence from the ledger through partial indexes. No rollup, header or status
-- column that a caller can set has an influence.
CREATE OR REPLACE VIEW v_process_discovery_candidate_status_v3 AS
WITH candidate AS (
  SELECT k.process_candidate_code, max(k.owner) AS owner, bool_or(k.has_simulated) AS has_simulated,
    bool_or(k.has_backfilled) AS has_backfilled
  FROM (
    SELECT c.process_candidate_code, c.owner, false AS has_simulated, false AS has_backfilled FROM process_candidate c
    UNION ALL
    SELECT o.process_candidate_code, NULL::text AS owner, o.simulated_count > 0, o.backfilled_count > 0
      FROM v_process_discovery_runtime_observed o
  ) k
  GROUP BY k.process_candidate_code
), proof AS (
  -- Grouped although each candidate occurs once: the planner does not merge a grouped query into its reader. So each
  -- proof is evaluated once, and a reader's condition on candidate_code is still pushed down.
  SELECT c.process_candidate_code, bool_or(c.has_simulated) AS has_simulated,
    bool_or(c.has_backfilled) AS has_backfilled,
    coalesce(btrim(max(c.owner), fn_dot_whitespace()), '') = '' AS owner_missing,
    EXISTS (
      SELECT FROM process_component_observation p
      JOIN dot_invocation i ON i.invocation_id = p.invocation_id AND i.process_run_id = p.process_run_id
        AND i.dot_code = p.dot_code
        AND i.component_role = 'producer' AND i.mode = 'REAL_RUN'
      WHERE p.process_candidate_code = c.process_candidate_code AND p.evidence_type = 'REAL_RUN'
        AND p.component_role = 'producer'
        AND p.status = 'step_completed' AND p.invocation_id IS NOT NULL
        -- Real runs count for the candidates that their producer is declared for now.
        AND EXISTS (SELECT FROM process_candidate_pair b
          WHERE b.process_candidate_code = c.process_candidate_code AND b.dot_code = p.dot_code)) AS has_real_runtime,
    EXISTS (SELECT FROM v_process_verified_run v
      WHERE v.process_candidate_code = c.process_candidate_code) AS has_cross_component_correlation,
    EXISTS (
      SELECT FROM process_component_observation d
      JOIN dot_invocation i ON i.invocation_id = d.invocation_id AND i.process_run_id = d.process_run_id
        AND i.dot_code = d.dot_code
        AND i.component_role = 'producer' AND i.mode = 'DRY_RUN'
      WHERE d.process_candidate_code = c.process_candidate_code AND d.evidence_type = 'DRY_RUN'
        AND d.component_role = 'producer'
        AND d.status = 'step_completed' AND d.invocation_id IS NOT NULL) AS has_dry_run
  FROM candidate c
  GROUP BY c.process_candidate_code
), rung AS (
  SELECT p.*, CASE
    WHEN p.has_real_runtime AND p.has_cross_component_correlation AND NOT p.owner_missing THEN 'birth_ready'
    WHEN p.has_real_runtime AND p.has_cross_component_correlation THEN 'verified_candidate'
    WHEN p.has_real_runtime THEN 'real_run_observed'
    WHEN p.has_dry_run THEN 'dry_run_observed'
    WHEN p.has_simulated THEN 'simulated_observed'
    WHEN p.has_backfilled THEN 'backfilled_observed'
    ELSE 'structural_candidate' END AS candidate_status_v3
  FROM proof p
)
SELECT r.process_candidate_code, r.has_real_runtime, r.has_cross_component_correlation, r.owner_missing,
  CASE WHEN r.has_real_runtime THEN 'REAL_RUN' WHEN r.has_dry_run THEN 'DRY_RUN'
    WHEN r.has_simulated THEN 'SIMULATED_DRY_RUN'
       WHEN r.has_backfilled THEN 'BACKFILLED_EVIDENCE' END AS best_evidence_type,
  r.candidate_status_v3,
  CASE r.candidate_status_v3
    WHEN 'birth_ready' THEN 'BIRTH_READY'
    WHEN 'verified_candidate' THEN 'VERIFIED_PENDING_OWNER'
    WHEN 'real_run_observed' THEN 'REAL_RUN_NEEDS_FULL_BAR'
    WHEN 'dry_run_observed' THEN 'DRY_RUN_PROOF_ONLY_NOT_VERIFIED'
    WHEN 'simulated_observed' THEN 'SIMULATED_PROOF_ONLY_NOT_VERIFIED'
    WHEN 'backfilled_observed' THEN 'BACKFILL_ONLY_NOT_VERIFIED'
    ELSE 'NO_EVIDENCE' END AS birth_gate_status_v3
FROM rung r;
