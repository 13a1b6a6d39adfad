-- The receipt read the gates before the closing was committed, and the closing was committed without seeing the
-- receipt: the operator who closed the gate was told that nothing was under way. A closing that held its lock saw every
-- receipt. Transaction ids are compared within one cluster alone. A closing that lets runs finish keeps out what
-- begins, and no verifier.
SELECT c.component_run_id::text AS subject, format('its receipt %s missed the closing of %s at %s', i.invocation_id,
  h.key, h.effective_at) AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
JOIN ledger.dot_config_history h ON NOT h.saw_every_receipt AND h.change_number > coalesce(i.begun_change_number, 0)
  AND h.cluster_id IS NOT DISTINCT FROM i.cluster_id
WHERE h.value = CASE WHEN h.key = 'process_dot_runtime.dry_run_only' THEN 'true' ELSE 'false' END
  AND NOT (h.let_finish AND i.component_role = 'verifier')
  AND (i.begun_xid = h.change_xid OR NOT pg_visible_in_snapshot(i.begun_xid, h.snapshot));
