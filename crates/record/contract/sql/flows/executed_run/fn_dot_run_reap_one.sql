-- Concludes a run whose lease expired, or was released without a conclusion. An open call is recorded as unknown, never
-- as failed, because it may have had its effect. The caller holds the lease's lock, so this function does not wait for
-- the header's lock. Returns false where another transaction is writing to the run.
CREATE OR REPLACE FUNCTION fn_dot_run_reap_one(p_process_run_id uuid, p_actor text) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_verdict text;
  v_is_open boolean;
BEGIN
  PERFORM FROM process_run_observation r WHERE r.process_run_id = p_process_run_id FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM fn_dot_assert_snapshot_covers_run(p_process_run_id);
  SELECT c.verdict INTO v_verdict FROM process_component_observation c
  WHERE c.process_run_id = p_process_run_id AND c.component_role = 'verifier';
  v_is_open := fn_dot_run_has_open_receipt(p_process_run_id);
  IF NOT EXISTS (SELECT FROM dot_invocation i WHERE i.process_run_id = p_process_run_id) THEN
    PERFORM fn_dot_conclusion_write(p_process_run_id, p_actor, 'orphan', NULL, NULL, NULL, '{}');
  ELSE
    PERFORM fn_dot_conclusion_write(p_process_run_id, p_actor, 'stuck', v_verdict, NULL, NULL,
      jsonb_build_object('outcome', CASE WHEN v_is_open THEN 'unknown' ELSE 'not_concluded' END));
  END IF;
  RETURN true;
END;
$$;
