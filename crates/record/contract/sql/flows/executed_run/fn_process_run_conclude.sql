-- END. Writes the one conclusion of an executed run and releases its lease. An expired token is accepted until another
-- caller takes the lease over: a late conclusion is better than none.
CREATE OR REPLACE FUNCTION fn_process_run_conclude(
  p_process_run_id uuid, p_lease_token uuid, p_actor text, p_status text, p_verdict text DEFAULT NULL,
  p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}') RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_texts   record;
  v_verdict text;
  v_said    text;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  v_verdict := fn_dot_null_if_blank(p_verdict);
  v_texts := fn_dot_check_texts(p_actor, 'of the header', 'of the header', p_evidence_ref, NULL, NULL, p_output_ref,
    p_error_ref);
  IF p_status IS NULL OR p_status NOT IN ('completed', 'failed', 'stuck', 'cancelled') THEN
    PERFORM fn_dot_refuse('status_invalid',
      format('a run is concluded as completed, failed, stuck or cancelled, not as %L', left(p_status, 100)));
  ELSIF v_verdict NOT IN ('pass', 'fail', 'error') THEN
    PERFORM fn_dot_refuse('verdict_invalid', format('there is no verdict %L', left(v_verdict, 100)));
  END IF;

  PERFORM fn_dot_run_lock_open(p_process_run_id, p_lease_token);

  SELECT c.verdict INTO v_said FROM process_component_observation c
    WHERE c.process_run_id = p_process_run_id AND c.component_role = 'verifier';
  IF v_verdict IS DISTINCT FROM v_said AND v_verdict IS NOT NULL THEN
    PERFORM fn_dot_refuse('verdict_invalid', format('the verifier said %s, not %s', coalesce(v_said, 'nothing'),
        v_verdict),
      jsonb_build_object('process_run_id', p_process_run_id));
  ELSIF p_status = 'completed' AND fn_dot_run_has_open_receipt(p_process_run_id) THEN
    PERFORM fn_dot_refuse('status_invalid', 'a call of this run is still open: it is not completed',
      jsonb_build_object('process_run_id', p_process_run_id));
  ELSIF p_status = 'completed' AND EXISTS (
      SELECT FROM process_component_observation c
        WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer'
        AND c.status <> 'step_completed') THEN
    PERFORM fn_dot_refuse('status_invalid', 'the producer of this run did not do its work: it is not completed',
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;

  PERFORM fn_dot_conclusion_write(p_process_run_id, p_actor, p_status, v_said, v_texts.p_output_ref,
    v_texts.p_error_ref, p_evidence_ref);
  RETURN p_process_run_id;
END;
$$;
