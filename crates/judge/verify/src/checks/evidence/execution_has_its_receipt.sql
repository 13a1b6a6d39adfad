SELECT c.component_run_id::text AS subject,
  format('%s%s without a receipt', c.evidence_type, CASE WHEN c.verdict IS NOT NULL THEN ' with the verdict '
    || c.verdict END) AS what
FROM ledger.process_component_observation c
WHERE (c.evidence_type IN ('DRY_RUN', 'REAL_RUN') OR c.verdict IS NOT NULL)
  -- A receipt that is named but not there is none.
  AND NOT EXISTS (SELECT FROM ledger.dot_invocation i WHERE i.invocation_id = c.invocation_id);
