-- A writer reads the clock and then the type, a switch updates the type and then reads the clock, so no event is
-- younger than the switch that ends its type. A warning: a clock that was set between the two says the same.
SELECT o.event_id::text AS subject, format('%s at %s: the type was not active', o.event_type, o.occurred_at) AS what
FROM ledger.event_outbox o
WHERE NOT (
  SELECT h.active FROM ledger.event_type_history h
  WHERE h.event_type = o.event_type AND h.changed_at <= o.occurred_at
  ORDER BY h.changed_at DESC, h.change_id DESC LIMIT 1)
  OR o.occurred_at < (SELECT min(h.changed_at) FROM ledger.event_type_history h WHERE h.event_type = o.event_type);
