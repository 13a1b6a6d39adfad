-- Requests an executed run, which a worker begins later. The gates may be closed: the request then waits for them. The
-- pair must exist and have contracts for both tools in that mode.
--   Order: validate → key → contracts → candidate → write.
-- The same key with the same arguments returns the first request; the due time is not compared.
CREATE OR REPLACE FUNCTION fn_dot_run_request(
  p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text, p_mode text,
  p_idempotency_key text DEFAULT NULL, p_input_ref text DEFAULT NULL, p_input_digest text DEFAULT NULL,
  p_not_before timestamptz DEFAULT NULL, p_request_id uuid DEFAULT NULL, p_priority integer DEFAULT 5,
  p_max_attempts integer DEFAULT 1, p_backoff interval DEFAULT '10 minutes',
  p_allow_secret_input boolean DEFAULT false) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_texts        record;
  v_pair_role    text;
  v_verifier     text;
  v_input_digest text;
  v_request_id   uuid := coalesce(p_request_id, fn_dot_uuid_v7());
  v_now          timestamptz;
  v_first        uuid;
  v_is_new       boolean;
BEGIN
  v_texts := fn_dot_check_texts(p_actor, p_correlation_id, p_process_candidate_code, NULL, p_idempotency_key,
    p_input_ref, NULL, NULL);
  PERFORM fn_dot_check_key(v_texts.p_idempotency_key);
  PERFORM fn_dot_check_mode(p_mode);
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('dot_code', p_dot_code));
  v_input_digest := fn_dot_check_digest('input_digest', p_input_digest);
  IF NOT fn_dot_is_representable_time(p_not_before) THEN
    PERFORM fn_dot_refuse('time_invalid', 'not_before is a time between the years 1 and 9999',
      jsonb_build_object('not_before', p_not_before::text));
  END IF;
  IF p_allow_secret_input IS NOT TRUE THEN
    PERFORM fn_dot_check_input_secret(v_texts.p_input_ref);
  END IF;
  IF (p_priority BETWEEN 0 AND 9 AND p_max_attempts BETWEEN 1 AND 100
      AND p_backoff BETWEEN interval '1 second' AND interval '1 day') IS NOT TRUE THEN
    PERFORM fn_dot_refuse('request_invalid', format('priority %s, %s attempts, backoff %s', p_priority, p_max_attempts,
        p_backoff));
  END IF;
  PERFORM fn_dot_check_snapshot();
  SELECT t.pair_role, t.paired_dot INTO v_pair_role, v_verifier FROM dot_tools t WHERE t.dot_code = p_dot_code;
  IF v_pair_role IS DISTINCT FROM 'producer' THEN
    PERFORM fn_dot_refuse_pair(p_dot_code);
  END IF;

  v_first := fn_dot_request_by_key(v_texts.p_idempotency_key, p_dot_code, p_process_candidate_code, p_mode,
    p_correlation_id, v_texts.p_input_ref, v_input_digest);
  IF v_first IS NOT NULL THEN
    RETURN v_first;
  END IF;
  PERFORM fn_dot_contract_for(p_dot_code, p_mode, p_process_candidate_code);
  PERFORM fn_dot_contract_for(v_verifier, p_mode, p_process_candidate_code);
  PERFORM fn_dot_check_not_retired(p_dot_code);
  IF p_mode = 'REAL_RUN' THEN
    PERFORM fn_dot_check_candidate_pair(p_process_candidate_code, p_dot_code);
  END IF;

  v_now := clock_timestamp();
  BEGIN
    INSERT INTO dot_run_request (request_id, dot_code, process_candidate_code, mode, correlation_id, input_ref,
      input_digest, idempotency_key, actor, requested_at, not_before, lease_name, priority, max_attempts, backoff)
    -- The due time is at least now: a due time in the past must not overtake other requests.
    VALUES (v_request_id, p_dot_code, p_process_candidate_code, p_mode, p_correlation_id, v_texts.p_input_ref,
      v_input_digest, v_texts.p_idempotency_key, p_actor, v_now, greatest(v_now, p_not_before),
      fn_dot_lease_name(p_dot_code, p_process_candidate_code, v_texts.p_input_ref), p_priority, p_max_attempts,
      p_backoff)
    ON CONFLICT DO NOTHING;
    v_is_new := FOUND;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse_busy_twin();
  END;
  IF NOT v_is_new THEN
    -- A concurrent call with the same key was first, or the id belongs to another request.
    v_first := fn_dot_request_by_key(v_texts.p_idempotency_key, p_dot_code, p_process_candidate_code, p_mode,
      p_correlation_id, v_texts.p_input_ref, v_input_digest);
  ELSIF EXISTS (SELECT FROM process_run_observation r WHERE r.idempotency_key = fn_dot_request_run_key(v_request_id))
    THEN
    v_first := NULL;
  ELSE
    PERFORM fn_dot_notify('dotwrap_request');
    RETURN v_request_id;
  END IF;
  IF v_first IS NULL THEN
    PERFORM fn_dot_refuse('id_in_use', format('there is a request or a run of the id %s already', v_request_id),
      jsonb_build_object('request_id', v_request_id));
  END IF;
  RETURN v_first;
END;
$$;
