-- The observations of each candidate. run_count counts headers, which prove nothing. The counts by evidence type count
-- runs by their components; a table constraint requires a receipt for every DRY_RUN and REAL_RUN component.
CREATE OR REPLACE VIEW v_process_discovery_runtime_observed AS
SELECT r.process_candidate_code,
  sum(r.run_count)::bigint AS run_count,
  sum(r.real_run_count)::bigint AS real_run_count,
  sum(r.dry_run_count)::bigint AS dry_run_count,
  sum(r.simulated_count)::bigint AS simulated_count,
  sum(r.backfilled_count)::bigint AS backfilled_count,
  sum(r.component_count)::bigint AS component_count,
  max(r.last_observed_at) AS last_observed_at
FROM v_process_observation_rollup r
GROUP BY r.process_candidate_code;
