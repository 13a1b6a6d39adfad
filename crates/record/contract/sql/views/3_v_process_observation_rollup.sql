-- The counts for status pages, in parts that readers add up: the rollup's slots, the counts of pairs on their leases,
-- and the open executed runs, at most one per lease.
CREATE OR REPLACE VIEW v_process_observation_rollup AS
SELECT r.process_candidate_code, r.dot_code, r.slot, r.run_count, r.real_run_count, r.dry_run_count, r.simulated_count,
  r.backfilled_count, r.component_count, r.last_observed_at, r.producer_observed_at, r.producer_evidence_type,
  r.producer_run_id, r.producer_best, r.verifier_dot_code, r.verifier_observed_at, r.verifier_evidence_type,
  r.verifier_run_id, r.verifier_best
FROM process_observation_rollup r
UNION ALL
SELECT l.observed_candidate, substr(l.lease_name, length('dot_exec:') + 1), 'lease', l.observed_runs,
  CASE l.observed_type WHEN 'REAL_RUN' THEN l.observed_runs ELSE 0 END,
    CASE l.observed_type WHEN 'DRY_RUN' THEN l.observed_runs ELSE 0 END,
  CASE l.observed_type WHEN 'SIMULATED_DRY_RUN' THEN l.observed_runs ELSE 0 END, 0,
  2 * l.observed_runs, l.observed_at, l.observed_at, l.observed_type, l.observed_run_id,
  array_position('{SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[], l.observed_type)::smallint, l.observed_verifier,
  l.observed_at, l.observed_type, l.observed_run_id,
  array_position('{SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[], l.observed_type)::smallint
FROM dot_iu_runtime_lease l WHERE l.observed_runs > 0
UNION ALL
SELECT h.process_candidate_code, h.dot_code, 'open', 1,
  CASE WHEN 'REAL_RUN' IN (p.evidence_type, v.evidence_type) THEN 1 ELSE 0 END,
    CASE WHEN 'DRY_RUN' IN (p.evidence_type, v.evidence_type) THEN 1 ELSE 0 END,
  CASE WHEN 'SIMULATED_DRY_RUN' IN (p.evidence_type, v.evidence_type) THEN 1 ELSE 0 END, 0,
  num_nonnulls(p.component_run_id, v.component_run_id), greatest(h.created_at, p.created_at, v.created_at),
  p.created_at, p.evidence_type, p.process_run_id,
  -- As fn_dot_rollup_rank.
  CASE WHEN p.evidence_type = 'SIMULATED_DRY_RUN' THEN 1 WHEN p.status <> 'step_completed' THEN NULL
    WHEN p.evidence_type = 'DRY_RUN' THEN 2 WHEN p.evidence_type = 'REAL_RUN' THEN 3 END::smallint,
  v.dot_code, v.created_at, v.evidence_type, v.process_run_id,
  -- As fn_dot_rollup_rank.
  CASE WHEN v.evidence_type = 'SIMULATED_DRY_RUN' THEN 1 WHEN v.status <> 'step_completed' THEN NULL
    WHEN v.evidence_type = 'DRY_RUN' THEN 2 WHEN v.evidence_type = 'REAL_RUN' THEN 3 END::smallint
FROM dot_iu_runtime_lease l
JOIN process_run_observation h ON h.process_run_id = l.process_run_id
LEFT JOIN process_component_observation p ON p.process_run_id = h.process_run_id AND p.component_role = 'producer'
LEFT JOIN process_component_observation v ON v.process_run_id = h.process_run_id AND v.component_role = 'verifier'
WHERE l.process_run_id IS NOT NULL;
