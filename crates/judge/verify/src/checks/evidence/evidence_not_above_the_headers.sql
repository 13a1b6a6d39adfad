SELECT claim.subject, format('%s claims %s, its header %s', claim.kind, claim.evidence_type, r.evidence_type) AS what
FROM (
  SELECT c.component_run_id::text AS subject, 'the component' AS kind, c.process_run_id,
    c.evidence_type FROM ledger.process_component_observation c
  UNION ALL
  SELECT i.invocation_id::text, 'the receipt', i.process_run_id, i.mode FROM ledger.dot_invocation i
) AS claim
JOIN ledger.process_run_observation r ON r.process_run_id = claim.process_run_id
CROSS JOIN (VALUES ('{BACKFILLED_EVIDENCE,SIMULATED_DRY_RUN,DRY_RUN,REAL_RUN}'::text[])) AS ladder (rungs)
WHERE array_position(ladder.rungs, claim.evidence_type) > array_position(ladder.rungs, r.evidence_type);
