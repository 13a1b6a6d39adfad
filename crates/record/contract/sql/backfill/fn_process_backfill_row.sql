-- Writes one asserted run. Returns 1 where it is new, 0 where it exists.
CREATE OR REPLACE FUNCTION fn_process_backfill_row(p_row jsonb, p_ordinality bigint, p_actor text, p_source_ref text,
  p_source_sha256 text)
RETURNS integer
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_given        record;
  v_tool         dot_tools;
  v_texts        record;
  v_run_id       uuid;
  v_component_id uuid := fn_dot_uuid_v7();
  v_role         text;
  v_producer     text;
  v_status       text;
  v_evidence     jsonb;
  v_key          text;
BEGIN
  v_given := fn_process_backfill_parse(p_row, p_ordinality);
  PERFORM fn_dot_check_key(v_given.idempotency_key);
  v_evidence := coalesce(v_given.evidence_ref, '{}')
    || jsonb_build_object('source_ref', p_source_ref, 'source_sha256', p_source_sha256, 'asserted_by', p_actor)
    || CASE WHEN v_given.rest = '{}' THEN '{}' ELSE jsonb_build_object('asserted', v_given.rest) END;
  -- The same row of the same source has the same key, so that a file that one login imports twice is stored once. The
  -- import of another login is a separate assertion with its own key: no login can block it by being first.
  v_key := 'backfill:' || p_source_sha256 || ':' || encode(sha256(convert_to(p_row::text, 'UTF8')), 'hex');
  IF NOT EXISTS (SELECT FROM process_run_observation r WHERE r.idempotency_key = v_key AND r.recorded_by = session_user)
    THEN
    -- Earlier releases left the login out of the key.
    v_key := v_key || ':' || encode(sha256(convert_to(session_user, 'UTF8')), 'hex');
  END IF;
  v_texts := fn_dot_check_texts(p_actor, v_given.correlation_id, v_given.process_candidate_code, v_evidence,
    coalesce(v_given.idempotency_key, v_key),
    v_given.input_ref, v_given.output_ref, v_given.error_ref);
  SELECT * INTO v_tool FROM dot_tools t WHERE t.dot_code = v_given.dot_code;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('unknown_dot', format('row %s: there is no DOT %L', p_ordinality,
        left(v_given.dot_code, 200)), jsonb_build_object('row', p_ordinality));
  END IF;
  IF octet_length(v_texts.p_idempotency_key) + octet_length(v_given.dot_code) > 2500 THEN
    PERFORM fn_dot_refuse('text_too_long',
      format('row %s: its idempotency key and the DOT''s code are more than 2500 bytes together', p_ordinality),
      jsonb_build_object('row', p_ordinality));
  END IF;
  v_role := coalesce(v_tool.pair_role, 'producer');
  -- The header has the producer's code, also where only the verifier is reported.
  v_producer := CASE v_role WHEN 'producer' THEN v_given.dot_code ELSE v_tool.paired_dot END;
  v_status := CASE v_given.status WHEN 'completed' THEN 'step_completed' WHEN 'started' THEN 'step_started'
    ELSE v_given.status END;
  v_evidence := fn_dot_evidence_tags(v_evidence, p_actor, fn_process_dot_posture(), false);
  v_run_id := coalesce(v_given.process_run_id, fn_dot_uuid_v7());

  IF fn_dot_run_by_key(v_texts.p_idempotency_key, v_given.process_candidate_code, v_producer, v_given.correlation_id,
    'BACKFILLED_EVIDENCE') IS NOT NULL THEN
    RETURN 0;
  END IF;
  -- Only where there is something to write: a repeated import succeeds whatever the checks return now.
  PERFORM fn_assert_safe_for_dot_action();
  INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status,
    evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor, started_at,
    ended_at)
  VALUES (v_run_id, v_producer, v_given.process_candidate_code, v_given.correlation_id, v_given.status,
    'BACKFILLED_EVIDENCE', 'dot_backfill', v_texts.p_idempotency_key, v_texts.p_input_ref, v_texts.p_output_ref,
    v_texts.p_error_ref, v_evidence, p_actor, v_given.started_at, v_given.ended_at)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM fn_dot_run_resolve_conflict(v_run_id, v_texts.p_idempotency_key, v_given.process_candidate_code, v_producer,
      v_given.correlation_id, 'BACKFILLED_EVIDENCE');
    RETURN 0;
  END IF;
  INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
    correlation_id, dot_code, status, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref,
    evidence_ref, actor, started_at, ended_at)
  VALUES (v_component_id, v_run_id, v_role, v_given.process_candidate_code, v_given.correlation_id, v_given.dot_code,
    v_status, 'BACKFILLED_EVIDENCE', 'dot_backfill', v_texts.p_idempotency_key || ':' || v_given.dot_code,
    v_texts.p_input_ref, v_texts.p_output_ref, v_texts.p_error_ref, v_evidence, p_actor, v_given.started_at,
    v_given.ended_at)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('idempotency_conflict', format('row %s: its component''s key was used before', p_ordinality),
      jsonb_build_object('row', p_ordinality));
  END IF;
  PERFORM fn_dot_rollup_header(v_given.process_candidate_code, v_producer);
  PERFORM fn_dot_rollup_component(v_given.process_candidate_code, v_run_id, v_given.dot_code, v_role,
    'BACKFILLED_EVIDENCE');
  RETURN 1;
END;
$$;
