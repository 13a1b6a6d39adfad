-- Only a change is recorded, and a type is shipped inactive: it is active exactly if it was switched on once more than
-- off. The order of the switches is not asked: that would be the clock's word.
SELECT e.event_type AS subject,
  format('%s, its history has it switched on %s times and off %s times',
    CASE WHEN e.active THEN 'active' ELSE 'inactive' END, h.on_count, h.off_count) AS what
FROM ledger.event_type_registry e
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE s.active) AS on_count, count(*) FILTER (WHERE NOT s.active) AS off_count
  FROM ledger.event_type_history s WHERE s.event_type = e.event_type
) AS h
WHERE h.on_count - h.off_count <> e.active::integer;
