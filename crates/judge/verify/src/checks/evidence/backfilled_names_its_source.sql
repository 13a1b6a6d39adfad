WITH backfilled AS (
  SELECT r.process_run_id::text AS subject, r.actor, r.evidence_ref, NULL::uuid AS invocation_id
  FROM ledger.process_run_observation r WHERE r.evidence_type = 'BACKFILLED_EVIDENCE'
  UNION ALL
  SELECT c.component_run_id::text, c.actor, c.evidence_ref, c.invocation_id
  FROM ledger.process_component_observation c WHERE c.evidence_type = 'BACKFILLED_EVIDENCE'
)
SELECT b.subject, concat_ws('; ',
    CASE WHEN b.evidence_ref ->> 'asserted_by' IS DISTINCT FROM b.actor THEN 'its asserter is not its actor' END,
    CASE WHEN coalesce(b.evidence_ref ->> 'source_ref', '') = '' THEN 'no source is named' END,
    CASE WHEN coalesce(b.evidence_ref ->> 'source_sha256', '') !~ '^[0-9a-f]{64}$' THEN 'no SHA-256 of the source' END,
    CASE WHEN b.invocation_id IS NOT NULL THEN 'it has a receipt' END) AS what
FROM backfilled b
WHERE b.evidence_ref ->> 'asserted_by' IS DISTINCT FROM b.actor
  OR coalesce(b.evidence_ref ->> 'source_ref', '') = ''
  OR coalesce(b.evidence_ref ->> 'source_sha256', '') !~ '^[0-9a-f]{64}$'
  OR b.invocation_id IS NOT NULL
UNION ALL
-- A backfilled component is written together with its header, and with no other.
SELECT c.component_run_id::text, format('backfilled, in a run whose header is %s', r.evidence_type)
FROM ledger.process_component_observation c
JOIN ledger.process_run_observation r ON r.process_run_id = c.process_run_id
WHERE c.evidence_type = 'BACKFILLED_EVIDENCE' AND r.evidence_type <> 'BACKFILLED_EVIDENCE';
