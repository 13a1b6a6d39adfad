-- The ladder once more, from the raw tables alone: no rollup, no view, no function of the contract. The questions of
-- this family begin with it and end with one comparison each. MATERIALIZED, so that it is planned by itself and not
-- together with the view that it is compared with.
WITH executed AS (
  -- What ran: a component with a receipt of its own run, DOT, role and mode.
  SELECT c.process_candidate_code, c.process_run_id, c.correlation_id, c.component_role, c.evidence_type, c.status,
    c.verdict,
    c.output_digest, c.dot_code, i.invocation_id, i.input_digest
  FROM ledger.process_component_observation c
  JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id AND i.process_run_id = c.process_run_id
    AND i.dot_code = c.dot_code
    AND i.component_role = c.component_role AND i.mode = c.evidence_type
), producer AS (
  -- Of a pair that is declared now, confirmed or only inferred.
  SELECT e.* FROM executed e
  JOIN ledger.process_candidate_pair b ON b.process_candidate_code = e.process_candidate_code
    AND b.dot_code = e.dot_code
  WHERE e.component_role = 'producer' AND e.evidence_type = 'REAL_RUN' AND e.status = 'step_completed'
), verifier AS (
  SELECT e.* FROM executed e WHERE e.component_role = 'verifier' AND e.evidence_type = 'REAL_RUN' AND e.verdict = 'pass'
    AND e.status = 'step_completed'
), verified AS (
  -- One run, one correlation, concluded as completed and passed, whose verifier looked at that producer's very output.
  SELECT DISTINCT v.process_candidate_code
  FROM verifier v
  JOIN producer p ON p.process_run_id = v.process_run_id AND p.process_candidate_code = v.process_candidate_code
    AND p.correlation_id = v.correlation_id AND p.output_digest = v.input_digest AND p.invocation_id <> v.invocation_id
  JOIN ledger.process_run_observation r ON r.process_run_id = v.process_run_id AND r.correlation_id = v.correlation_id
  JOIN ledger.process_run_conclusion x ON x.process_run_id = v.process_run_id AND x.status = 'completed'
    AND x.verdict = 'pass'
), observed AS (
  SELECT c.process_candidate_code, bool_or(c.evidence_type = 'SIMULATED_DRY_RUN') AS has_simulated,
    bool_or(c.evidence_type = 'BACKFILLED_EVIDENCE') AS has_backfilled
  FROM ledger.process_component_observation c
  GROUP BY c.process_candidate_code
), candidate AS (
  SELECT c.process_candidate_code FROM ledger.process_candidate c
  UNION SELECT r.process_candidate_code FROM ledger.process_run_observation r
  UNION SELECT o.process_candidate_code FROM observed o
), proof AS (
  SELECT c.process_candidate_code,
    c.process_candidate_code IN (SELECT p.process_candidate_code FROM producer p) AS has_real_runtime,
    c.process_candidate_code IN (SELECT v.process_candidate_code FROM verified v) AS has_cross_component_correlation,
    c.process_candidate_code IN (SELECT e.process_candidate_code FROM executed e
      WHERE e.evidence_type = 'DRY_RUN' AND e.component_role = 'producer' AND e.status = 'step_completed')
      AS has_dry_run,
    coalesce(o.has_simulated, false) AS has_simulated, coalesce(o.has_backfilled, false) AS has_backfilled,
    -- Blank is missing, whichever of Unicode's white space it is made of.
    coalesce(btrim(k.owner,
      U&'\0009\000A\000B\000C\000D\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028'
        '\2029\202F\205F\3000'), '') = '' AS owner_missing
  FROM candidate c
  LEFT JOIN ledger.process_candidate k ON k.process_candidate_code = c.process_candidate_code
  LEFT JOIN observed o ON o.process_candidate_code = c.process_candidate_code
), recomputed AS MATERIALIZED (
  SELECT p.process_candidate_code, p.has_real_runtime, p.has_cross_component_correlation, p.owner_missing,
    rung.candidate_status_v3,
    rung.birth_gate_status_v3,
    CASE WHEN p.has_real_runtime THEN 'REAL_RUN' WHEN p.has_dry_run THEN 'DRY_RUN'
      WHEN p.has_simulated THEN 'SIMULATED_DRY_RUN'
      WHEN p.has_backfilled THEN 'BACKFILLED_EVIDENCE' END AS best_evidence_type
  FROM proof p
  JOIN (VALUES
    ('birth_ready', 'BIRTH_READY'), ('verified_candidate', 'VERIFIED_PENDING_OWNER'),
    ('real_run_observed', 'REAL_RUN_NEEDS_FULL_BAR'),
    ('dry_run_observed', 'DRY_RUN_PROOF_ONLY_NOT_VERIFIED'),
    ('simulated_observed', 'SIMULATED_PROOF_ONLY_NOT_VERIFIED'),
    ('backfilled_observed', 'BACKFILL_ONLY_NOT_VERIFIED'), ('structural_candidate', 'NO_EVIDENCE')
  ) AS rung (candidate_status_v3, birth_gate_status_v3) ON rung.candidate_status_v3 = CASE
    WHEN p.has_real_runtime AND p.has_cross_component_correlation AND NOT p.owner_missing THEN 'birth_ready'
    WHEN p.has_real_runtime AND p.has_cross_component_correlation THEN 'verified_candidate'
    WHEN p.has_real_runtime THEN 'real_run_observed'
    WHEN p.has_dry_run THEN 'dry_run_observed'
    WHEN p.has_simulated THEN 'simulated_observed'
    WHEN p.has_backfilled THEN 'backfilled_observed'
    ELSE 'structural_candidate' END
)
