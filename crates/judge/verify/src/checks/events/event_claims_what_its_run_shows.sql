-- A run's event says that something ran: then a receipt of the run says so too. A warning: older releases wrote what
-- the header claims.
SELECT o.event_id::text AS subject, format('%s says %s about the run %s, which has no receipt of that mode',
  o.event_type,
  o.payload ->> 'evidence_type', o.process_run_id) AS what
FROM ledger.event_outbox o
WHERE o.payload ->> 'evidence_type' IN ('DRY_RUN', 'REAL_RUN') AND o.process_run_id IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM ledger.dot_invocation i
    WHERE i.process_run_id = o.process_run_id AND i.mode = o.payload ->> 'evidence_type');
