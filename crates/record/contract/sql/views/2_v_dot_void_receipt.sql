-- Receipts that are void. A receipt is void where it and a gate closing did not see each other: the receipt read the
-- posture before the closing committed, and the closing committed without seeing the receipt
-- (fn_dot_gate_change_record). A closing that held its lock missed no receipt. Transaction ids are compared within one
-- cluster only.
--
-- A closing that lets runs finish keeps new runs out: it makes a producer's receipt void that it missed, but not that
-- of a verifier, whose run it had seen begin.
CREATE OR REPLACE VIEW v_dot_void_receipt AS
SELECT i.invocation_id, i.process_run_id, h.key AS gate_key, h.effective_at AS closed_at
FROM dot_invocation i
JOIN dot_config_history h ON NOT h.saw_every_receipt AND h.change_number > coalesce(i.begun_change_number, 0)
  AND h.cluster_id IS NOT DISTINCT FROM i.cluster_id
-- A snapshot shows its own transaction as finished once a later one has committed.
WHERE (i.begun_xid = h.change_xid OR NOT pg_visible_in_snapshot(i.begun_xid, h.snapshot))
  AND h.value = CASE h.key WHEN 'process_dot_runtime.dry_run_only' THEN 'true' ELSE 'false' END
  AND NOT (h.let_finish AND i.component_role = 'verifier');
