-- HEADER: one row per run. A header alone is no evidence; counts and rungs come from its components.
--   Order: validate → key → gates → preflight → write.
-- Returns the run's id, or the first call's id where the key was used.
CREATE OR REPLACE FUNCTION fn_process_run_observe(
  p_process_candidate_code text, p_correlation_id text, p_actor text,
  p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN', p_status text DEFAULT 'observed',
  p_idempotency_key text DEFAULT NULL, p_process_run_id uuid DEFAULT NULL, p_parent_run_id uuid DEFAULT NULL,
  p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL,
  p_evidence_ref jsonb DEFAULT '{}', p_source_system text DEFAULT 'dot_exec_wrapper', p_event_code text DEFAULT NULL,
  p_started_at timestamptz DEFAULT NULL, p_ended_at timestamptz DEFAULT NULL,
  p_process_definition_code text DEFAULT NULL, p_dot_code text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_texts    record;
  v_dot_code text := fn_dot_null_if_blank(p_dot_code);
  v_source   text := coalesce(nullif(btrim(p_source_system, fn_dot_whitespace()), ''), 'dot_exec_wrapper');
  v_first_id uuid;
  v_run_id   uuid := coalesce(p_process_run_id, fn_dot_uuid_v7());
  v_posture  text;
  v_is_changed_here boolean;
  v_is_new   boolean;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  v_texts := fn_dot_check_texts(p_actor, p_correlation_id, p_process_candidate_code, p_evidence_ref,
    p_idempotency_key, p_input_ref, p_output_ref, p_error_ref);
  PERFORM fn_dot_check_key(v_texts.p_idempotency_key);
  PERFORM fn_dot_check_enum(p_evidence_type, p_status);
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('source_system', v_source, 'event_code', p_event_code,
    'process_definition_code', p_process_definition_code, 'dot_code', v_dot_code));
  PERFORM fn_dot_check_times(p_started_at, p_ended_at);
  -- A header may omit its DOT. A DOT that it names is a producer, or has no pair.
  IF v_dot_code IS NOT NULL AND NOT EXISTS (SELECT FROM dot_tools t
    WHERE t.dot_code = v_dot_code AND t.pair_role IS DISTINCT FROM 'verifier') THEN
    PERFORM fn_dot_refuse_pair(v_dot_code);
  END IF;

  IF v_texts.p_idempotency_key IS NOT NULL THEN
    v_first_id := fn_dot_run_by_key(v_texts.p_idempotency_key, p_process_candidate_code, v_dot_code, p_correlation_id,
      p_evidence_type);
    IF v_first_id IS NOT NULL THEN
      RETURN v_first_id;
    END IF;
  END IF;

  SELECT g.posture, g.is_changed_here INTO v_posture, v_is_changed_here FROM v_dot_posture g;
  PERFORM fn_dot_check_evidence_gate(p_evidence_type, v_posture);
  IF v_is_changed_here AND p_evidence_type IN ('DRY_RUN', 'REAL_RUN') THEN
    PERFORM fn_dot_refuse('busy', 'this transaction changed a gate: the change takes effect when it commits');
  END IF;
  PERFORM fn_assert_safe_for_dot_action();

  PERFORM fn_dot_check_snapshot();
  BEGIN
    INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, process_definition_code,
      correlation_id, parent_run_id, event_code, status, evidence_type, source_system, idempotency_key,
      input_ref, output_ref, error_ref, evidence_ref, actor, started_at, ended_at)
    VALUES (v_run_id, v_dot_code, p_process_candidate_code, fn_dot_null_if_blank(p_process_definition_code),
      p_correlation_id, p_parent_run_id, fn_dot_null_if_blank(p_event_code), p_status, p_evidence_type, v_source,
      v_texts.p_idempotency_key, v_texts.p_input_ref, v_texts.p_output_ref, v_texts.p_error_ref,
      fn_dot_evidence_tags(p_evidence_ref, p_actor, v_posture, false), p_actor, p_started_at, p_ended_at)
    -- Waits at most five seconds for a concurrent call with the same key; the look-up below finds the row that it
    -- committed.
    ON CONFLICT DO NOTHING;
    v_is_new := FOUND;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse_busy_twin();
  END;
  IF NOT v_is_new THEN
    RETURN fn_dot_run_resolve_conflict(v_run_id, v_texts.p_idempotency_key, p_process_candidate_code, v_dot_code,
      p_correlation_id, p_evidence_type);
  END IF;

  PERFORM fn_dot_event_emit(fn_dot_event_type_for(p_status, false), v_run_id, NULL, p_correlation_id, v_dot_code,
    p_status, p_evidence_type, v_source, v_texts.p_input_ref, v_texts.p_output_ref);
  PERFORM fn_dot_rollup_header(p_process_candidate_code, v_dot_code);
  RETURN v_run_id;
END;
$$;
