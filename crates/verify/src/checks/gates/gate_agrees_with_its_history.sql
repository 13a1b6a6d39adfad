-- What opens a gate round its function leaves no trace in the history, and shows here.
WITH gate (key, shipped) AS (VALUES
  ('iu_core.operator_runtime_enabled', 'false'),
  ('process_dot_runtime.execute_enabled', 'false'),
  ('process_dot_runtime.dry_run_only', 'true'),
  ('process_dot_runtime.real_run_enabled', 'false')
), recorded AS (
  SELECT DISTINCT ON (h.key) h.key, h.value, h.expires_at FROM dot_config_history h ORDER BY h.key, h.changed_at DESC, h.change_id DESC
)
SELECT coalesce(g.key, c.key) AS subject,
  CASE WHEN c.key IS NULL THEN 'the gate is missing'
    WHEN g.key IS NULL THEN 'there is no such gate'
    ELSE format('it says %L until %s, its history %L until %s', left(c.value, 100), coalesce(c.expires_at::text, 'changed'),
                coalesce(h.value, g.shipped), coalesce(h.expires_at::text, 'changed')) END AS what
FROM gate g
FULL JOIN dot_config c ON c.key = g.key
LEFT JOIN recorded h ON h.key = g.key
WHERE c.key IS NULL OR g.key IS NULL OR c.value <> coalesce(h.value, g.shipped) OR c.expires_at IS DISTINCT FROM h.expires_at;
