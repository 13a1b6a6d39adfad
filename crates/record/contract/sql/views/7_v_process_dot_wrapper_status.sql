-- One row per DOT: its wrapper, its observations, and the next action. Reads the registry and the rollup; from the
-- ledger only the correlation of the last run, by its key.
CREATE OR REPLACE VIEW v_process_dot_wrapper_status AS
WITH side AS (
  -- Both members of a pair are counted in the producer's rollup rows.
  SELECT r.dot_code, r.producer_observed_at AS observed_at, r.producer_evidence_type AS evidence_type,
    r.producer_run_id AS process_run_id, r.producer_best AS best
  FROM v_process_observation_rollup r WHERE r.producer_observed_at IS NOT NULL
  UNION ALL
  SELECT r.verifier_dot_code, r.verifier_observed_at, r.verifier_evidence_type, r.verifier_run_id, r.verifier_best
  FROM v_process_observation_rollup r WHERE r.verifier_observed_at IS NOT NULL
), observed AS (
  -- In several slots: the newest has the last evidence, the highest the best.
  SELECT DISTINCT ON (s.dot_code) s.dot_code, s.evidence_type, s.process_run_id,
    max(s.best) OVER (PARTITION BY s.dot_code) AS best
  FROM side s
  ORDER BY s.dot_code, s.observed_at DESC
), runner AS (
  SELECT c.dot_code, bool_or(c.mode = 'DRY_RUN') AS has_dry_run_contract, bool_or(true) AS has_contract
  FROM dot_agent_api_contract c WHERE c.mode IN ('DRY_RUN', 'REAL_RUN') AND c.contract_status = 'active'
  GROUP BY c.dot_code
), fixture AS (
  SELECT c.dot_code, bool_and(f.fixture_ref IS NOT NULL) AS present
  FROM dot_agent_api_contract c LEFT JOIN dot_fixture f ON f.fixture_ref = c.fixture_ref
  WHERE c.fixture_ref IS NOT NULL GROUP BY c.dot_code
), joined AS (
  SELECT t.dot_code, t.paired_dot, t.pair_role, t.trigger_type, t.execution_engine AS engine, t.script_path,
    coalesce(own.has_contract, false) AS runner_exists,
    o.dot_code IS NOT NULL AS has_observation, o.evidence_type AS last_observation_type, o.process_run_id,
    run.correlation_id,
    coalesce(own.has_dry_run_contract AND partner.has_dry_run_contract AND coalesce(f.present, true),
      false) AS dry_run_ready,
    CASE WHEN f.dot_code IS NULL THEN 'none' WHEN f.present THEN 'present' ELSE 'missing' END AS fixture_status,
    o.best, t.is_retired
  FROM dot_tools t
  LEFT JOIN observed o ON o.dot_code = t.dot_code
  LEFT JOIN process_run_observation run ON run.process_run_id = o.process_run_id
  LEFT JOIN runner own ON own.dot_code = t.dot_code
  LEFT JOIN runner partner ON partner.dot_code = t.paired_dot
  LEFT JOIN fixture f ON f.dot_code = t.dot_code
)
SELECT j.dot_code, j.paired_dot, j.trigger_type, j.engine, j.script_path, j.runner_exists,
  CASE
    WHEN j.best = 3 THEN 'REAL_RUN_OBSERVED'
    WHEN j.best = 2 THEN 'DRY_RUN_OBSERVED'
    WHEN j.best = 1 THEN 'SIMULATED_OBSERVED'
    WHEN j.runner_exists OR j.best = 0 THEN 'WRAPPER_READY_NO_OBSERVATION'
    ELSE 'WRAPPER_NEEDED' END AS wrapper_status,
  j.has_observation, j.last_observation_type, j.process_run_id, j.correlation_id, j.dry_run_ready, j.fixture_status,
  CASE
    WHEN j.is_retired THEN 'nothing: it is retired'
    WHEN j.paired_dot IS NULL THEN 'register its pair'
    WHEN j.best = 3 THEN 'see its candidate on the ladder'
    WHEN j.best = 2 THEN 'run it for real, once an operator opens the gates'
    WHEN j.dry_run_ready THEN 'run it dry'
    WHEN j.runner_exists THEN 'bind its pair in mode DRY_RUN as well'
    WHEN NOT j.has_observation THEN 'record a simulated run, or bind a contract'
    ELSE 'bind a contract in mode DRY_RUN' END AS next_action
FROM joined j;
