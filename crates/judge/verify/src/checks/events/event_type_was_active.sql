-- Types are shipped inactive; without a switch one never was active.
SELECT o.event_id::text AS subject, format('%s at %s: %s', o.event_type, o.occurred_at,
    CASE WHEN e.event_type IS NULL THEN 'there is no such type' ELSE 'the type never was active' END) AS what
FROM ledger.event_outbox o
LEFT JOIN ledger.event_type_registry e ON e.event_type = o.event_type
WHERE e.event_type IS NULL OR NOT EXISTS (SELECT FROM ledger.event_type_history h WHERE h.event_type = o.event_type
  AND h.active);
