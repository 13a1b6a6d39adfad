-- Each of these is a way to show other rows than were written, or to write other rows than were asked for.
WITH guarded (table_name) AS (VALUES
  ('process_run_observation'), ('process_component_observation'), ('dot_invocation'), ('process_run_conclusion'),
    ('event_outbox'),
  ('dot_refusal'), ('dot_config_history'), ('dot_registry_history'), ('event_type_history'),
    ('dot_lease_force_release'),
  ('dot_run_resolution'), ('dot_run_stop'), ('process_output_event')
), found AS (
  SELECT g.table_name, c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity
  FROM guarded g
  LEFT JOIN pg_class c ON c.relnamespace = ledger_oid AND c.relname = g.table_name
)
SELECT f.table_name AS subject, 'it is no ordinary table' AS what FROM found f WHERE f.relkind IS DISTINCT FROM 'r'
UNION ALL
SELECT f.table_name, 'it is not logged: a crash empties it' FROM found f WHERE f.relpersistence <> 'p'
UNION ALL
SELECT f.table_name, 'row security hides rows of it' FROM found f WHERE f.relrowsecurity OR f.relforcerowsecurity
UNION ALL
SELECT f.table_name, format('the rule %s rewrites its statements', w.rulename) FROM found f
JOIN pg_rewrite w ON w.ev_class = f.oid WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT f.table_name, format('it shows the rows of %s too', i.inhrelid::regclass) FROM found f
JOIN pg_inherits i ON i.inhparent = f.oid
UNION ALL
SELECT f.table_name, format('its rows are those of %s too', i.inhparent::regclass) FROM found f
JOIN pg_inherits i ON i.inhrelid = f.oid
UNION ALL
SELECT f.table_name, format('the trigger %s is none of the contract''s', t.tgname) FROM found f
JOIN pg_trigger t ON t.tgrelid = f.oid
WHERE NOT t.tgisinternal AND t.tgname NOT IN ('ledger_append_only', 'durable_commit');
