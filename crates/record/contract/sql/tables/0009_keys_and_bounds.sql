-- A dry run counts like a real one: by a producer that completed, with its receipt.
CREATE INDEX process_component_dry_producer ON process_component_observation (process_candidate_code)
  WHERE evidence_type = 'DRY_RUN' AND component_role = 'producer' AND status = 'step_completed'
    AND invocation_id IS NOT NULL;
DROP INDEX process_component_dry_run;

-- How many refusals a login recorded within the last hour (fn_dot_refusal_record).
CREATE INDEX dot_refusal_by_login ON dot_refusal (recorded_by, refused_at);

-- Leases counted executed runs whose parts failed, and a lease's evidence type counts as the best evidence of both
-- DOTs. What leases counted of executed runs moves to the rollup, where each side's best evidence is kept by itself and
-- is corrected below.
INSERT INTO process_observation_rollup AS r (process_candidate_code, dot_code, slot, run_count, component_count,
  real_run_count, dry_run_count, last_observed_at,
  producer_observed_at, producer_evidence_type, producer_run_id, producer_best,
  verifier_dot_code, verifier_observed_at, verifier_evidence_type, verifier_run_id, verifier_best)
SELECT l.observed_candidate, substr(l.lease_name, length('dot_exec:') + 1), 'pair ' || l.observed_verifier,
  l.observed_runs, 2 * l.observed_runs,
  CASE l.observed_type WHEN 'REAL_RUN' THEN l.observed_runs ELSE 0 END,
  CASE l.observed_type WHEN 'DRY_RUN' THEN l.observed_runs ELSE 0 END, l.observed_at,
  l.observed_at, l.observed_type, l.observed_run_id, 3, l.observed_verifier, l.observed_at, l.observed_type,
    l.observed_run_id, 3
FROM dot_iu_runtime_lease l
WHERE l.observed_runs > 0 AND l.observed_type IN ('DRY_RUN', 'REAL_RUN')
ON CONFLICT (process_candidate_code, dot_code, slot) DO UPDATE SET
  run_count = r.run_count + excluded.run_count, component_count = r.component_count + excluded.component_count,
  real_run_count = r.real_run_count + excluded.real_run_count, dry_run_count = r.dry_run_count + excluded.dry_run_count,
  last_observed_at = excluded.last_observed_at,
  producer_observed_at = excluded.producer_observed_at, producer_evidence_type = excluded.producer_evidence_type,
  producer_run_id = excluded.producer_run_id, producer_best = excluded.producer_best,
  verifier_observed_at = excluded.verifier_observed_at, verifier_evidence_type = excluded.verifier_evidence_type,
  verifier_run_id = excluded.verifier_run_id, verifier_best = excluded.verifier_best;
UPDATE dot_iu_runtime_lease l SET observed_runs = 0
WHERE l.observed_runs > 0 AND l.observed_type IN ('DRY_RUN', 'REAL_RUN');

WITH best AS (
  SELECT c.process_candidate_code, c.dot_code, c.component_role,
    max(CASE c.evidence_type WHEN 'BACKFILLED_EVIDENCE' THEN 0 WHEN 'SIMULATED_DRY_RUN' THEN 1 WHEN 'DRY_RUN' THEN 2
      ELSE 3 END)::smallint AS best
  FROM process_component_observation c
  WHERE c.evidence_type IN ('BACKFILLED_EVIDENCE', 'SIMULATED_DRY_RUN') OR c.status = 'step_completed'
  GROUP BY c.process_candidate_code, c.dot_code, c.component_role
)
UPDATE process_observation_rollup r
SET producer_best = CASE WHEN r.producer_best < 2 THEN r.producer_best ELSE (SELECT b.best FROM best b
      WHERE b.process_candidate_code = r.process_candidate_code AND b.dot_code = r.dot_code
        AND b.component_role = 'producer') END,
    verifier_best = CASE WHEN r.verifier_best < 2 THEN r.verifier_best ELSE (SELECT b.best FROM best b
      WHERE b.process_candidate_code = r.process_candidate_code AND b.dot_code = r.verifier_dot_code
        AND b.component_role = 'verifier') END
WHERE r.producer_best >= 2 OR r.verifier_best >= 2;
