-- Executed runs are counted once, when they are concluded, and by their lease where a pair's runs all bear one evidence type:
-- the conclusion writes that row anyway. Until then a run is open, and v_process_observation_rollup reads it by the lease that
-- is bound to it.
ALTER TABLE dot_iu_runtime_lease ADD COLUMN observed_type text NOT NULL DEFAULT 'SIMULATED_DRY_RUN';

-- What was counted of runs that are open while this is applied is taken back: their conclusions count them whole.
INSERT INTO process_observation_rollup (process_candidate_code, dot_code, slot, last_observed_at,
  run_count, component_count, real_run_count, dry_run_count, simulated_count)
SELECT r.process_candidate_code, r.dot_code, 'open ' || r.process_run_id, r.created_at, -1, -coalesce(c.parts, 0),
  -coalesce(c.reals, 0), -coalesce(c.dries, 0), -coalesce(c.simulations, 0)
FROM dot_iu_runtime_lease l
JOIN process_run_observation r ON r.process_run_id = l.process_run_id
LEFT JOIN (
  SELECT p.process_run_id, count(*) AS parts, max((p.evidence_type = 'REAL_RUN')::integer) AS reals,
    max((p.evidence_type = 'DRY_RUN')::integer) AS dries, max((p.evidence_type = 'SIMULATED_DRY_RUN')::integer) AS simulations
  FROM process_component_observation p GROUP BY p.process_run_id) c ON c.process_run_id = r.process_run_id;
