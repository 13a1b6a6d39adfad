-- Replays the history: the last change of each gate up to the one whose number the receipt bears. Without any change a
-- gate stands as shipped: closed. Receipts and changes from before changes were numbered are told by transaction ids,
-- which compare nothing between clusters, and by times, which compare nothing where a clock was set: what neither of
-- the two shows was not so.
--
-- Between reading the posture and writing the receipt a gate may run out of time. How long that took is not recorded,
-- so a gate counts as open for ten seconds more: the pair's lease is waited for at most five.
--
-- A verifier may be called behind the end of a window. Its receipt says the posture of that moment: no more than the
-- gates allowed, and no less than they certainly allowed when it was written.
--
-- Takes as many steps as there are receipts times changes of gates.
WITH gate (key, opened_by) AS (VALUES
  ('iu_core.operator_runtime_enabled', 'true'),
  ('process_dot_runtime.execute_enabled', 'true'),
  ('process_dot_runtime.real_run_enabled', 'true'),
  ('process_dot_runtime.dry_run_only', 'false')
), state AS (
  SELECT i.invocation_id, replay.by, g.key, coalesce((
    SELECT h.value = g.opened_by AND (h.expires_at IS NULL OR h.expires_at > i.begun_at - interval '10 seconds')
    FROM ledger.dot_config_history h
    WHERE h.key = g.key AND CASE WHEN i.begun_change_number IS NOT NULL
      THEN coalesce(h.change_number, 0) <= i.begun_change_number
                                 WHEN replay.by = 'time' OR i.begun_snapshot IS NULL THEN h.changed_at <= i.begun_at
                                 ELSE h.change_xid = i.begun_xid OR pg_visible_in_snapshot(h.change_xid,
                                   i.begun_snapshot) END
    ORDER BY coalesce(h.change_number, 0) DESC, h.changed_at DESC, h.change_id DESC LIMIT 1), false) AS is_open,
      coalesce((
    SELECT h.value = g.opened_by AND (h.expires_at IS NULL OR h.expires_at > i.begun_at)
    FROM ledger.dot_config_history h WHERE h.key = g.key AND h.change_number <= i.begun_change_number
    ORDER BY h.change_number DESC LIMIT 1), false) AS is_surely_open
  FROM ledger.dot_invocation i CROSS JOIN gate g CROSS JOIN (VALUES ('transaction'), ('time')) AS replay (by)
), shown AS (
  SELECT s.invocation_id, s.by, string_agg(s.key, ', ' ORDER BY s.key) FILTER (WHERE NOT s.is_open) AS closed,
    bool_and(s.is_open) AS is_real_run,
    bool_and(s.is_open) FILTER (WHERE s.key IN ('iu_core.operator_runtime_enabled',
      'process_dot_runtime.execute_enabled')) AS is_dry_run,
    bool_and(s.is_surely_open) AS is_surely_real_run,
    bool_and(s.is_surely_open) FILTER (WHERE s.key IN ('iu_core.operator_runtime_enabled',
      'process_dot_runtime.execute_enabled')) AS is_surely_dry_run
  FROM state s GROUP BY s.invocation_id, s.by
)
SELECT i.invocation_id::text AS subject, CASE WHEN min(s.closed) IS NULL
  THEN format('posture %s, but no gate was closed', i.posture)
  ELSE format('posture %s, but closed were: %s', i.posture, min(s.closed)) END AS what
FROM ledger.dot_invocation i
JOIN shown s ON s.invocation_id = i.invocation_id
GROUP BY i.invocation_id, i.posture, i.component_role
HAVING NOT bool_or(CASE i.posture WHEN 'REAL_RUN' THEN s.is_real_run WHEN 'DRY_RUN_ONLY' THEN s.is_dry_run
  ELSE true END)
  OR i.component_role = 'verifier' AND CASE i.posture WHEN 'REAL_RUN' THEN false WHEN 'DRY_RUN_ONLY'
    THEN bool_and(s.is_surely_real_run)
    ELSE bool_and(s.is_surely_dry_run) END;
