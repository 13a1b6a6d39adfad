WITH expected (table_name, column_name, further_column) AS (VALUES
  -- All attempts of a run have one key.
  ('process_run_observation', 'idempotency_key', 'attempt'),
  ('process_component_observation', 'idempotency_key', NULL),
  ('process_component_observation', 'invocation_id', NULL),
  ('dot_run_request', 'idempotency_key', NULL)
)
SELECT e.table_name AS subject, format('no valid unique index of every %s', e.column_name) AS what
FROM expected e
WHERE NOT EXISTS (
  SELECT FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
  LEFT JOIN pg_attribute f ON f.attrelid = c.oid AND f.attnum = i.indkey[1] AND i.indnkeyatts = 2
  WHERE c.relnamespace = ledger_oid AND c.relname = e.table_name AND a.attname = e.column_name
    AND f.attname IS NOT DISTINCT FROM e.further_column
    AND i.indnkeyatts = CASE WHEN e.further_column IS NULL THEN 1 ELSE 2 END AND i.indisunique AND i.indimmediate
      AND i.indisvalid AND i.indisready AND i.indislive
    AND coalesce(pg_get_expr(i.indpred, i.indrelid), '') IN ('', format('(%s IS NOT NULL)', e.column_name)))
UNION ALL
-- The indexes of primary keys and unique constraints, and every other one: what is not valid guards nothing.
SELECT c.relname, format('the index %s is not valid', i.indexrelid::regclass)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = ledger_oid AND NOT (i.indisvalid AND i.indisready AND i.indislive);
