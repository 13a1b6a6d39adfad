-- A receipt is void where it and the closing of a gate missed each other: the receipt read the posture before the close
-- committed, and the close went through without seeing the receipt. Either seen by the other is fine: then the receipt
-- was refused, or whoever closed the gate knows of it.
CREATE OR REPLACE FUNCTION fn_dot_receipt_is_void(p_receipt dot_invocation) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_seen pg_snapshot := coalesce(p_receipt.begun_snapshot, '1:1:');
BEGIN
  RETURN EXISTS (
    SELECT FROM dot_config_history h
    WHERE h.change_xid >= pg_snapshot_xmin(v_seen)   -- everything older was seen
      AND NOT pg_visible_in_snapshot(h.change_xid, v_seen)
      AND NOT pg_visible_in_snapshot(p_receipt.begun_xid, h.snapshot)
      AND h.value = CASE h.key WHEN 'process_dot_runtime.dry_run_only' THEN 'true' ELSE 'false' END);
END;
$$;
