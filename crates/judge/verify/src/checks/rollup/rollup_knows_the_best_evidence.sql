-- The best evidence of each DOT, on either side, as status pages take it from the counts. An executed run is counted
-- when it is concluded. Ranks: 0 backfilled, 1 simulated, 2 dry run, 3 real run.
WITH kept AS (
  SELECT k.dot_code, max(k.best) AS best
  FROM (
    SELECT s.dot_code, s.producer_best AS best FROM ledger.process_observation_rollup s
    UNION ALL
    SELECT s.verifier_dot_code, s.verifier_best FROM ledger.process_observation_rollup s
    UNION ALL
    SELECT side.dot_code, array_position('{SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[], l.observed_type)
    FROM ledger.dot_iu_runtime_lease l
    CROSS JOIN LATERAL (VALUES (substr(l.lease_name, length('dot_exec:') + 1)), (l.observed_verifier))
      AS side (dot_code)
    WHERE l.observed_runs <> 0
  ) AS k
  WHERE k.dot_code IS NOT NULL AND k.best IS NOT NULL GROUP BY k.dot_code
), counted AS (
  SELECT c.dot_code, max(array_position('{BACKFILLED_EVIDENCE,SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[],
    c.evidence_type) - 1) AS best
  FROM ledger.process_component_observation c
  JOIN ledger.process_run_observation r ON r.process_run_id = c.process_run_id
  WHERE (r.lease_token IS NULL OR EXISTS (SELECT FROM ledger.process_run_conclusion x
    WHERE x.process_run_id = r.process_run_id))
    -- A call that did not complete proves nothing.
    AND (c.evidence_type IN ('BACKFILLED_EVIDENCE', 'SIMULATED_DRY_RUN') OR c.status = 'step_completed')
  GROUP BY c.dot_code
)
SELECT coalesce(k.dot_code, c.dot_code) AS subject,
  format('kept is the rank %s, the ledger has %s', coalesce(k.best::text, 'of nothing'),
  coalesce(c.best::text, 'nothing')) AS what
FROM kept k FULL JOIN counted c ON c.dot_code = k.dot_code
WHERE k.best IS DISTINCT FROM c.best;
