-- What opens a gate around its function and its trigger leaves no trace in the history, and shows here. The last change
-- is that of the highest number. Changes from before they were numbered come first: of these it is the one of the
-- newest time or of the newest transaction, as times mean nothing where the clock was set, and transaction ids nothing
-- between clusters.
WITH gate (key, shipped) AS (VALUES
  ('iu_core.operator_runtime_enabled', 'false'),
  ('process_dot_runtime.execute_enabled', 'false'),
  ('process_dot_runtime.dry_run_only', 'true'),
  ('process_dot_runtime.real_run_enabled', 'false')
), recorded AS (
  SELECT h.*, row_number() OVER (PARTITION BY h.key ORDER BY coalesce(h.change_number, 0) DESC, h.changed_at DESC,
    h.change_id DESC) AS by_time,
    row_number() OVER (PARTITION BY h.key ORDER BY coalesce(h.change_number, 0) DESC, h.change_xid DESC,
      h.changed_at DESC, h.change_id DESC) AS by_transaction
  FROM ledger.dot_config_history h
), last_change AS (
  SELECT r.* FROM recorded r WHERE r.by_time = 1 OR r.by_transaction = 1
)
SELECT coalesce(g.key, c.key) AS subject,
  CASE WHEN c.key IS NULL THEN 'the gate is missing'
    WHEN g.key IS NULL THEN 'there is no such gate'
    ELSE format('it says %L until %s, by %s, its history %L until %s, by %s', left(c.value, 100),
      coalesce(c.expires_at::text, 'changed'), left(c.updated_by, 200),
                coalesce(h.value, g.shipped), coalesce(h.expires_at::text, 'changed'),
                  coalesce(left(h.actor, 200), 'nobody')) END AS what
FROM gate g
FULL JOIN ledger.dot_config c ON c.key = g.key
LEFT JOIN recorded h ON h.key = g.key AND h.by_time = 1
WHERE c.key IS NULL OR g.key IS NULL
  OR CASE WHEN h.key IS NULL THEN c.value <> g.shipped OR c.expires_at IS NOT NULL OR c.let_finish OR c.stop_now
       ELSE NOT EXISTS (
         SELECT FROM last_change l WHERE l.key = c.key AND l.value = c.value AND l.expires_at IS NOT DISTINCT
           FROM c.expires_at
           AND l.actor = c.updated_by AND l.reason = c.reason AND l.changed_at = c.updated_at
           AND (l.stop_at_end, l.let_finish, l.stop_now) = (c.stop_at_end, c.let_finish, c.stop_now)) END;
