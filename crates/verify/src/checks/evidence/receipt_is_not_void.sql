-- The receipt read the gates before the closing was committed, and the closing went through without seeing the receipt:
-- whoever closed the gate was told that nothing was under way. A receipt without a snapshot is taken to have seen nothing.
SELECT c.component_run_id::text AS subject, format('its receipt %s missed the closing of %s at %s', i.invocation_id, h.key, h.changed_at) AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
JOIN ledger.dot_config_history h ON h.value = CASE WHEN h.key = 'process_dot_runtime.dry_run_only' THEN 'true' ELSE 'false' END
WHERE (i.begun_snapshot IS NULL OR NOT pg_visible_in_snapshot(h.change_xid, i.begun_snapshot))
  AND NOT pg_visible_in_snapshot(i.begun_xid, h.snapshot);
