-- A receipt is void where it and a gate closing did not see each other: the receipt read the posture before the closing
-- committed, and the closing committed without seeing the receipt (fn_dot_gate_change_record). A closing that held its
-- lock missed no receipt. Transaction ids are compared within one cluster only.
CREATE OR REPLACE FUNCTION fn_dot_receipt_is_void(p_invocation_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  -- Waits for a closing that is committing without having seen every receipt.
  IF (SELECT s.xmax FROM dot_gate_state s) <> '0' THEN
    PERFORM fn_dot_gate_settle();
  END IF;
  PERFORM fn_dot_check_snapshot();
  RETURN EXISTS (
    SELECT FROM dot_invocation i JOIN dot_config_history h
      ON NOT h.saw_every_receipt AND h.change_number > coalesce(i.begun_change_number, 0)
    WHERE i.invocation_id = p_invocation_id AND h.cluster_id IS NOT DISTINCT FROM i.cluster_id
      AND NOT pg_visible_in_snapshot(i.begun_xid, h.snapshot)
      AND h.value = CASE h.key WHEN 'process_dot_runtime.dry_run_only' THEN 'true' ELSE 'false' END);
END;
$$;
