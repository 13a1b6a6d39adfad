WITH part AS (
  -- Counts are kept in two places: the rollup's slots, and the lease of a pair for its last candidate. Runs that are
  -- open are in neither.
  SELECT s.process_candidate_code, s.run_count, s.component_count, s.real_run_count, s.dry_run_count, s.simulated_count,
    s.backfilled_count
  FROM ledger.process_observation_rollup s
  UNION ALL
  SELECT l.observed_candidate, l.observed_runs, l.observed_runs * 2,
    l.observed_runs * (l.observed_type = 'REAL_RUN')::integer,
    l.observed_runs * (l.observed_type = 'DRY_RUN')::integer,
      l.observed_runs * (l.observed_type = 'SIMULATED_DRY_RUN')::integer, 0
  FROM ledger.dot_iu_runtime_lease l WHERE l.observed_runs <> 0
  UNION ALL
  SELECT r.process_candidate_code, 1, count(c.component_run_id),
    max((c.evidence_type IS NOT DISTINCT FROM 'REAL_RUN')::integer),
    max((c.evidence_type IS NOT DISTINCT FROM 'DRY_RUN')::integer),
      max((c.evidence_type IS NOT DISTINCT FROM 'SIMULATED_DRY_RUN')::integer), 0
  FROM ledger.process_run_observation r
  LEFT JOIN ledger.process_component_observation c ON c.process_run_id = r.process_run_id
  WHERE r.lease_token IS NOT NULL AND NOT EXISTS (SELECT FROM ledger.process_run_conclusion x
    WHERE x.process_run_id = r.process_run_id)
  GROUP BY r.process_run_id
), kept AS (
  SELECT k.process_candidate_code, sum(k.run_count) AS run_count, sum(k.component_count) AS component_count,
    sum(k.real_run_count) AS real_run_count,
    sum(k.dry_run_count) AS dry_run_count, sum(k.simulated_count) AS simulated_count,
      sum(k.backfilled_count) AS backfilled_count
  FROM part k GROUP BY k.process_candidate_code
)
SELECT coalesce(k.process_candidate_code, v.process_candidate_code) AS subject,
  format('the view shows %s runs (%s real, %s dry, %s simulated, %s backfilled), %s components', v.run_count,
    v.real_run_count, v.dry_run_count, v.simulated_count, v.backfilled_count, v.component_count) AS what
FROM kept k
FULL JOIN ledger.v_process_discovery_runtime_observed v ON v.process_candidate_code = k.process_candidate_code
WHERE (k.run_count, k.component_count, k.real_run_count, k.dry_run_count, k.simulated_count, k.backfilled_count)
  IS DISTINCT FROM (v.run_count, v.component_count, v.real_run_count, v.dry_run_count, v.simulated_count,
    v.backfilled_count);
