-- The database alone mints these ids: a UUIDv7 of the time at which the row is written. A machine can be suspended
-- between the two. Ids that a caller may choose say nothing.
WITH minted AS (
  SELECT i.invocation_id AS id, 'receipt' AS kind, i.begun_at AS written_at FROM ledger.dot_invocation i
  UNION ALL
  SELECT o.event_id, 'event', o.occurred_at FROM ledger.event_outbox o
  UNION ALL
  SELECT r.refusal_id, 'refusal', r.refused_at FROM ledger.dot_refusal r
  UNION ALL
  SELECT h.change_id, 'change of a gate', coalesce(h.effective_at, h.changed_at) FROM ledger.dot_config_history h
  UNION ALL
  SELECT h.change_id, 'change of the registry', h.changed_at FROM ledger.dot_registry_history h
  UNION ALL
  SELECT h.change_id, 'change of an event type', h.changed_at FROM ledger.event_type_history h
  UNION ALL
  SELECT f.release_id, 'forced release', f.released_at FROM ledger.dot_lease_force_release f
), told AS (
  SELECT m.*, substr(m.id::text, 15, 1) = '7' AND substr(m.id::text, 20, 1) IN ('8', '9', 'a', 'b') AS is_minted,
    to_timestamp(('x' || lpad(replace(left(m.id::text, 13), '-', ''), 16, '0'))::bit(64)::bigint / 1000.0) AS minted_at
  FROM minted m
)
SELECT t.id::text AS subject, CASE WHEN t.is_minted THEN format('the %s is of %s, its id of %s', t.kind, t.written_at,
  t.minted_at)
  ELSE format('the database mints no such id for a %s', t.kind) END AS what
FROM told t
WHERE NOT t.is_minted OR t.written_at NOT BETWEEN t.minted_at - interval '1 hour' AND t.minted_at + interval '1 hour';
