-- A warning: the functions accept a real run's component from the holder of its lease and receipt, whether it called
-- the tool or not.
SELECT c.component_run_id::text AS subject, 'it does not say ' || concat_ws(', ',
    CASE WHEN NOT c.evidence_ref ? 'endpoint_ref' THEN 'what was called' END,
    CASE WHEN c.started_at IS NULL THEN 'when the call began' END,
    CASE WHEN c.ended_at IS NULL THEN 'when it ended' END) AS what
FROM ledger.process_component_observation c
WHERE c.evidence_type = 'REAL_RUN' AND c.invocation_id IS NOT NULL
  AND (NOT c.evidence_ref ? 'endpoint_ref' OR c.started_at IS NULL OR c.ended_at IS NULL);
