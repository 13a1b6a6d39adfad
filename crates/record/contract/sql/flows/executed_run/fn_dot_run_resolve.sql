-- Records what somebody found out about a run whose effect the record does not show: whether it happened. The newest
-- resolution allows or forbids another attempt under the run's key (fn_dot_retry_check). It is shown with the run and
-- is never evidence.
CREATE OR REPLACE FUNCTION fn_dot_run_resolve(p_process_run_id uuid, p_happened text, p_actor text, p_reason text)
  RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_resolution_id uuid := fn_dot_uuid_v7();
  v_now           timestamptz;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'who found out what happened is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'how it was found out is missing');
  ELSIF p_happened IS NULL OR p_happened NOT IN ('yes', 'no', 'partly') THEN
    PERFORM fn_dot_refuse('status_invalid', format('it happened: yes, no or partly, not %L', left(p_happened, 100)));
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  IF NOT EXISTS (SELECT FROM process_run_observation r WHERE r.process_run_id = p_process_run_id) THEN
    PERFORM fn_dot_refuse('run_unknown', format('there is no run %s', coalesce(p_process_run_id::text, 'null')));
  ELSIF NOT EXISTS (SELECT FROM process_run_conclusion x WHERE x.process_run_id = p_process_run_id) THEN
    PERFORM fn_dot_refuse('still_running', format('the run %s is not concluded', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;
  v_now := clock_timestamp();
  INSERT INTO dot_run_resolution (resolution_id, process_run_id, happened, actor, reason, resolved_at)
  VALUES (v_resolution_id, p_process_run_id, p_happened, p_actor, p_reason, v_now);
  RETURN v_resolution_id;
END;
$$;
