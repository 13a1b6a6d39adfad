WITH recomputed AS (
  SELECT r.process_run_id, r.correlation_id, r.process_candidate_code, r.evidence_type AS header_evidence_type,
    -- What the run's rows show: the producer's component, else the verifier's, else the producer's receipt, unless it
    -- is void.
    CASE WHEN p.evidence_type IS NOT NULL THEN p.evidence_type WHEN v.evidence_type IS NOT NULL THEN v.evidence_type
      WHEN i.mode IS NOT NULL AND NOT EXISTS (
        -- A receipt that a closing of a gate did not see.
        SELECT FROM ledger.dot_config_history h
        WHERE NOT h.saw_every_receipt AND h.change_number > coalesce(i.begun_change_number, 0)
          AND h.cluster_id IS NOT DISTINCT FROM i.cluster_id
            AND (i.begun_xid = h.change_xid OR NOT pg_visible_in_snapshot(i.begun_xid, h.snapshot))
          AND h.value = CASE WHEN h.key = 'process_dot_runtime.dry_run_only' THEN 'true' ELSE 'false' END)
      THEN i.mode WHEN r.evidence_type = 'BACKFILLED_EVIDENCE' THEN r.evidence_type
      ELSE 'SIMULATED_DRY_RUN' END AS evidence_type,
    coalesce(x.status, r.status) AS status,
    -- A tool that only pretended, producer or verifier, passes no real run.
    CASE WHEN x.verdict = 'pass' AND i.mode = 'REAL_RUN'
      AND (p.evidence_type = 'SIMULATED_DRY_RUN' OR v.evidence_type = 'SIMULATED_DRY_RUN') THEN NULL
      ELSE x.verdict END AS verdict,
    p.evidence_type AS producer_evidence_type, v.evidence_type AS verifier_evidence_type
  FROM ledger.process_run_observation r
  LEFT JOIN ledger.process_run_conclusion x ON x.process_run_id = r.process_run_id
  LEFT JOIN ledger.process_component_observation p ON p.process_run_id = r.process_run_id
    AND p.component_role = 'producer'
  LEFT JOIN ledger.process_component_observation v ON v.process_run_id = r.process_run_id
    AND v.component_role = 'verifier'
  -- A run that verifies again calls its verifier only.
  LEFT JOIN ledger.dot_invocation i ON i.process_run_id = r.process_run_id
    AND i.component_role = CASE WHEN r.reverifies IS NULL THEN 'producer' ELSE 'verifier' END
)
SELECT coalesce(k.process_run_id, s.process_run_id)::text AS subject,
  CASE WHEN s.process_run_id IS NULL THEN 'the view does not show it' WHEN k.process_run_id IS NULL
    THEN 'the ledger has no such run'
    ELSE format('the view shows %s, the ledger has %s',
      concat_ws(' ', s.status, s.verdict, s.evidence_type, quote_literal(left(s.correlation_id, 100))),
                concat_ws(' ', k.status, k.verdict, k.evidence_type, quote_literal(left(k.correlation_id, 100)))) END
                  AS what
FROM recomputed k
FULL JOIN ledger.v_process_run s ON s.process_run_id = k.process_run_id
WHERE (s.process_run_id, s.correlation_id, s.process_candidate_code, s.evidence_type, s.header_evidence_type, s.status,
  s.verdict, s.producer_evidence_type, s.verifier_evidence_type)
  IS DISTINCT FROM (k.process_run_id, k.correlation_id, k.process_candidate_code, k.evidence_type,
    k.header_evidence_type, k.status, k.verdict, k.producer_evidence_type, k.verifier_evidence_type)
UNION ALL
SELECT s.process_run_id::text, format('the view shows it %s times', count(*)) FROM ledger.v_process_run s
GROUP BY s.process_run_id HAVING count(*) > 1;
