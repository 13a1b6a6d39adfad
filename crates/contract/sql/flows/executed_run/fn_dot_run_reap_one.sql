-- Concludes a run whose lease ran out or was given back without a conclusion. Nobody knows whether an open call did its
-- work: it is said to be unknown, never failed. The caller holds the lease's lock, so the header's is not waited for:
-- false where somebody is just writing to that run.
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
