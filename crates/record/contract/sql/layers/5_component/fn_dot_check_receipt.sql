-- Checks that a component matches its receipt: the same run, DOT, role and mode, and opened by an earlier transaction.
-- The login that opened the receipt records its outcome: a login without the right to execute cannot record an
-- execution, even with the lease's token. The evidence may be lower than the mode of the receipt and the header (the
-- answer of a mock is simulated), never higher.
--
-- Called before any lock. fn_dot_check_receipt_counts checks what can change afterwards, under the locks.
CREATE OR REPLACE FUNCTION fn_dot_check_receipt(
  p_invocation_id uuid, p_process_run_id uuid, p_run_evidence_type text, p_run_has_lease boolean, p_dot_code text,
  p_component_role text, p_evidence_type text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_receipt record;
  v_wrong   text;
BEGIN
  PERFORM fn_dot_check_snapshot();
  SELECT i.invocation_id, i.process_run_id, i.dot_code, i.component_role, i.mode, i.recorded_by, i.begun_xid,
    EXISTS (SELECT FROM process_component_observation c WHERE c.invocation_id = i.invocation_id) AS is_used
  INTO v_receipt FROM dot_invocation i WHERE i.invocation_id = p_invocation_id;
  v_wrong := CASE
    WHEN v_receipt.invocation_id IS NULL THEN 'there is no such receipt'
    WHEN v_receipt.process_run_id <> p_process_run_id THEN 'it is of another run'
    WHEN v_receipt.dot_code <> p_dot_code THEN 'it is of another DOT'
    WHEN v_receipt.component_role <> p_component_role THEN 'it is of another role'
    WHEN p_evidence_type NOT IN (v_receipt.mode, 'SIMULATED_DRY_RUN') THEN 'it is of another mode'
    WHEN NOT p_run_has_lease THEN 'its run was not begun under a lease'
    WHEN p_evidence_type NOT IN (p_run_evidence_type, 'SIMULATED_DRY_RUN') THEN 'its run claims less'
    WHEN v_receipt.recorded_by <> session_user THEN 'another login opened it'
    WHEN v_receipt.begun_xid = pg_current_xact_id_if_assigned() THEN 'it was opened in this very transaction'
    WHEN v_receipt.is_used THEN 'it was used already'
  END;
  IF v_wrong IS NOT NULL THEN
    PERFORM fn_dot_refuse('invocation_mismatch', format('the receipt does not fit: %s', v_wrong),
      jsonb_build_object('invocation_id', p_invocation_id));
  END IF;
END;
$$;
