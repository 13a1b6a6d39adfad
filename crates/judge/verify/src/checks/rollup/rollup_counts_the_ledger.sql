-- Runs are counted by their headers; by evidence, each run once under each type that its components bear. An executed
-- run is counted when it is concluded.
WITH open_run AS (
  SELECT r.process_run_id FROM ledger.process_run_observation r
  WHERE r.lease_token IS NOT NULL AND NOT EXISTS (SELECT FROM ledger.process_run_conclusion x
    WHERE x.process_run_id = r.process_run_id)
), header AS (
  SELECT r.process_candidate_code, count(*) AS run_count FROM ledger.process_run_observation r
  WHERE r.process_run_id NOT IN (SELECT o.process_run_id FROM open_run o) GROUP BY r.process_candidate_code
), component AS (
  SELECT c.process_candidate_code, count(*) AS component_count,
    count(DISTINCT c.process_run_id) FILTER (WHERE c.evidence_type = 'REAL_RUN') AS real_run_count,
    count(DISTINCT c.process_run_id) FILTER (WHERE c.evidence_type = 'DRY_RUN') AS dry_run_count,
    count(DISTINCT c.process_run_id) FILTER (WHERE c.evidence_type = 'SIMULATED_DRY_RUN') AS simulated_count,
    count(DISTINCT c.process_run_id) FILTER (WHERE c.evidence_type = 'BACKFILLED_EVIDENCE') AS backfilled_count
  FROM ledger.process_component_observation c
  WHERE c.process_run_id NOT IN (SELECT o.process_run_id FROM open_run o) GROUP BY c.process_candidate_code
), recount AS (
  SELECT coalesce(h.process_candidate_code, c.process_candidate_code) AS process_candidate_code,
    jsonb_build_object('runs', coalesce(h.run_count, 0), 'components', coalesce(c.component_count, 0), 'real',
      coalesce(c.real_run_count, 0),
      'dry', coalesce(c.dry_run_count, 0), 'simulated', coalesce(c.simulated_count, 0), 'backfilled',
        coalesce(c.backfilled_count, 0)) AS counts
  FROM header h FULL JOIN component c ON c.process_candidate_code = h.process_candidate_code
), part AS (
  -- Counts are kept in two places: the rollup's slots, and the lease of a pair for its last candidate.
  SELECT s.process_candidate_code, s.run_count, s.component_count, s.real_run_count, s.dry_run_count, s.simulated_count,
    s.backfilled_count
  FROM ledger.process_observation_rollup s
  UNION ALL
  SELECT l.observed_candidate, l.observed_runs, l.observed_runs * 2,
    l.observed_runs * (l.observed_type = 'REAL_RUN')::integer,
    l.observed_runs * (l.observed_type = 'DRY_RUN')::integer,
      l.observed_runs * (l.observed_type = 'SIMULATED_DRY_RUN')::integer, 0
  FROM ledger.dot_iu_runtime_lease l WHERE l.observed_runs <> 0
), kept AS (
  SELECT k.process_candidate_code,
    jsonb_build_object('runs', sum(k.run_count), 'components', sum(k.component_count), 'real', sum(k.real_run_count),
      'dry', sum(k.dry_run_count), 'simulated', sum(k.simulated_count), 'backfilled', sum(k.backfilled_count)) AS counts
  FROM part k GROUP BY k.process_candidate_code
)
SELECT coalesce(r.process_candidate_code, k.process_candidate_code) AS subject,
  format('kept %s, counted %s', coalesce(k.counts::text, 'nothing'), coalesce(r.counts::text, 'nothing')) AS what
FROM recount r FULL JOIN kept k ON k.process_candidate_code = r.process_candidate_code
WHERE r.counts IS DISTINCT FROM k.counts;
