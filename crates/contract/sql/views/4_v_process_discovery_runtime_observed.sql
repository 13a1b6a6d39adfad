-- What was observed of each candidate. run_count counts headers, which claim nothing; the counts by evidence count runs
-- by what their components bear (a DRY_RUN or REAL_RUN component always has its receipt: the table sees to it).
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
