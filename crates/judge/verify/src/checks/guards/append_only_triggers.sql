WITH guarded (table_name) AS (VALUES
  ('process_run_observation'), ('process_component_observation'), ('dot_invocation'), ('process_run_conclusion'),
    ('event_outbox'),
  ('dot_refusal'), ('dot_config_history'), ('dot_registry_history'), ('event_type_history'),
    ('dot_lease_force_release'),
  ('dot_run_resolution'), ('dot_run_stop'), ('process_output_event')
)
SELECT g.table_name AS subject, concat_ws('; ',
    CASE WHEN t.oid IS NULL THEN 'no trigger ledger_append_only' END,
    CASE WHEN t.tgenabled <> 'A' THEN 'it is not ENABLE ALWAYS: replicas and the owner can switch it off' END,
    -- Bits of tgtype: 1 row level, 2 before, 8 delete, 16 update, 32 truncate.
    CASE WHEN t.tgtype::integer & 1 = 1 THEN 'it is a row''s trigger, not the statement''s' END,
    CASE WHEN t.tgtype::integer & 2 = 0 THEN 'it does not fire before' END,
    CASE WHEN t.tgtype::integer & 8 = 0 THEN 'not on DELETE' END,
    CASE WHEN t.tgtype::integer & 16 = 0 THEN 'not on UPDATE' END,
    CASE WHEN t.tgtype::integer & 32 = 0 THEN 'not on TRUNCATE' END,
    CASE WHEN t.tgqual IS NOT NULL THEN 'only under a condition' END,
    CASE WHEN t.tgattr::text <> '' THEN 'only on some columns' END,
    CASE WHEN t.oid IS NOT NULL AND t.tgfoid IS DISTINCT FROM f.oid THEN format('it calls %s', t.tgfoid::regproc) END)
      AS what
FROM guarded g
LEFT JOIN pg_class c ON c.relnamespace = ledger_oid AND c.relname = g.table_name
LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'ledger_append_only' AND NOT t.tgisinternal
LEFT JOIN pg_proc f ON f.pronamespace = ledger_oid AND f.proname = 'fn_dot_ledger_append_only' AND f.pronargs = 0
WHERE t.oid IS NULL OR t.tgenabled <> 'A' OR t.tgtype <> 2 + 8 + 16 + 32 OR t.tgqual IS NOT NULL OR t.tgattr::text <> ''
  OR t.tgfoid IS DISTINCT FROM f.oid;
