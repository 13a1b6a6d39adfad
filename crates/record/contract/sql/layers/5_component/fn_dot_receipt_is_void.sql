-- Whether a receipt is void (v_dot_void_receipt), once no gate change is in flight.
CREATE OR REPLACE FUNCTION fn_dot_receipt_is_void(p_invocation_id uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  -- Waits for a closing that is committing without having seen every receipt.
  IF (SELECT s.xmax FROM dot_gate_state s) <> '0' THEN
    PERFORM fn_dot_gate_settle();
  END IF;
  PERFORM fn_dot_check_snapshot();
  RETURN EXISTS (SELECT FROM v_dot_void_receipt x WHERE x.invocation_id = p_invocation_id);
END;
$$;
