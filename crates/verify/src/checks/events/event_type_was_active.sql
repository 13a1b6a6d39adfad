-- The history is exact: switching a type waits for whoever is writing an event, so no event is older than the switch that
-- it follows. Types are shipped inactive; without a switch one never was active.
SELECT o.event_id::text AS subject, format('%s at %s: %s', o.event_type, o.occurred_at,
    CASE WHEN e.event_type IS NULL THEN 'there is no such type' ELSE 'the type was not active' END) AS what
FROM event_outbox o
LEFT JOIN event_type_registry e ON e.event_type = o.event_type
WHERE NOT coalesce((
  SELECT h.active FROM event_type_history h
  WHERE h.event_type = o.event_type AND h.changed_at <= o.occurred_at
  ORDER BY h.changed_at DESC, h.change_id DESC LIMIT 1), false);
