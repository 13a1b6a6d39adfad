-- The first of an executed run's three transactions: gates, preflight, lease, the header 'started', and the producer's
-- receipt. What comes back is committed before the tool is called, so that a crash leaves a true record.
-- Order: validate → key → contract → gates → preflight → lease → key again → gates under their lock → write.
--
-- created = false: the key was used. There is no token and no receipt then: a key can not hijack a run.
-- The key 'request:<request_id>' is that of a request that somebody claimed (layers/9_requests), which learns of its run here.
CREATE OR REPLACE FUNCTION fn_process_run_begin(
  p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text, p_mode text, p_runner text,
  p_idempotency_key text DEFAULT NULL, p_process_run_id uuid DEFAULT NULL, p_parent_run_id uuid DEFAULT NULL,
  p_input_ref text DEFAULT NULL, p_input_digest text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}', p_lease_ttl_seconds integer DEFAULT 60)
RETURNS TABLE (process_run_id uuid, lease_token uuid, producer_invocation_id uuid, created boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_texts      record;
  v_run        process_run_observation;
  v_tool       dot_tools;
  v_contract   dot_agent_api_contract;
  v_gates      record;
  v_request    dot_run_request;
  v_lease_name text := 'dot_exec:' || p_dot_code;
  v_token      uuid := gen_random_uuid();
  v_run_id     uuid := coalesce(p_process_run_id, fn_dot_uuid_v7());
  v_now        timestamptz;
BEGIN
  v_texts := fn_dot_check_texts(p_actor, p_correlation_id, p_process_candidate_code, p_evidence_ref, p_idempotency_key, p_input_ref, NULL, NULL);
  PERFORM fn_dot_check_mode(p_mode);
  PERFORM fn_dot_lease_check_arguments('dot_exec', p_runner, p_lease_ttl_seconds);
  PERFORM fn_dot_refuse_long_text(200, jsonb_build_object('dot_code', p_dot_code, 'input_digest', p_input_digest));
  SELECT * INTO v_tool FROM dot_tools t WHERE t.dot_code = p_dot_code;
  IF v_tool.pair_role IS DISTINCT FROM 'producer' THEN
    PERFORM fn_dot_refuse_pair(p_dot_code);
  END IF;

  -- KEY
  IF v_texts.p_idempotency_key IS NOT NULL THEN
    v_request := fn_dot_request_of_run_key(v_texts.p_idempotency_key);
    v_run := fn_dot_run_of_key(v_texts.p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, p_mode);
    IF v_run.process_run_id IS NOT NULL THEN
      process_run_id := v_run.process_run_id; created := false;
      RETURN NEXT;
      RETURN;
    END IF;
    PERFORM fn_dot_check_request(v_request, p_dot_code, p_process_candidate_code, p_correlation_id, p_mode);
  END IF;

  -- GATE 1, a cheap look: what counts is read again below, under the gates' lock
  PERFORM fn_dot_check_evidence_gate(p_mode, fn_process_dot_posture());
  -- Both sides: a producer that nobody could check afterwards is not called.
  v_contract := fn_dot_contract_of(p_dot_code, p_mode, p_process_candidate_code);
  PERFORM fn_dot_contract_of(v_tool.paired_dot, p_mode, p_process_candidate_code);

  -- GATE 2
  PERFORM fn_assert_safe_for_dot_action();

  -- LEASE
  IF EXISTS (SELECT FROM dot_iu_runtime_lease l
             WHERE l.lease_name = v_lease_name AND l.released_at IS NULL AND l.expires_at > clock_timestamp())
     OR NOT fn_dot_lease_lock(v_lease_name) THEN
    PERFORM fn_dot_lease_refuse(v_lease_name);
  END IF;
  IF v_texts.p_idempotency_key IS NOT NULL THEN
    -- A twin may have begun while this call waited.
    v_run := fn_dot_run_of_key(v_texts.p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, p_mode);
    IF v_run.process_run_id IS NOT NULL THEN
      process_run_id := v_run.process_run_id; created := false;
      RETURN NEXT;
      RETURN;
    END IF;
    IF octet_length(v_texts.p_idempotency_key) + greatest(octet_length(p_dot_code), octet_length(v_tool.paired_dot)) > 2500 THEN
      PERFORM fn_dot_refuse('text_too_long', 'the idempotency key and a DOT''s code are more than 2500 bytes together');
    END IF;
  END IF;
  IF NOT fn_dot_lease_take(v_lease_name, p_runner, v_token, p_lease_ttl_seconds, false) THEN
    PERFORM fn_dot_lease_refuse(v_lease_name);
  END IF;
  v_gates := fn_dot_gates_for_receipt(p_mode);

  -- HEADER
  v_now := clock_timestamp();
  INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, parent_run_id, status, evidence_type,
    source_system, idempotency_key, lease_name, lease_token, input_ref, evidence_ref, actor, started_at, created_at)
  VALUES (v_run_id, p_dot_code, p_process_candidate_code, p_correlation_id, p_parent_run_id, 'started', p_mode,
    'dot_exec_wrapper', v_texts.p_idempotency_key, v_lease_name, v_token, v_texts.p_input_ref,
    fn_dot_evidence_tags(p_evidence_ref, p_actor, v_gates.posture, true), p_actor, v_now, v_now)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    -- The key or the id was taken meanwhile by a call that this lease does not keep away: refused, or the first call's id.
    process_run_id := fn_dot_run_already_there(v_run_id, v_texts.p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, p_mode);
    created := false;
    UPDATE dot_iu_runtime_lease l SET released_at = v_now WHERE l.lease_name = v_lease_name;
    RETURN NEXT;
    RETURN;
  END IF;
  UPDATE dot_iu_runtime_lease l SET process_run_id = v_run_id WHERE l.lease_name = v_lease_name;
  IF v_request.request_id IS NOT NULL THEN
    UPDATE dot_run_request r SET process_run_id = v_run_id WHERE r.request_id = v_request.request_id;
  END IF;

  producer_invocation_id := fn_dot_receipt_write(v_run_id, v_contract, 'producer', p_mode, v_gates.posture, v_gates.snapshot,
    fn_dot_text_or_null(p_input_digest), p_runner);

  PERFORM fn_dot_event_emit(fn_dot_event_type_of('started', false), v_run_id, NULL, p_correlation_id, p_dot_code, 'started',
    p_mode, 'dot_exec_wrapper', v_texts.p_input_ref, NULL);
  PERFORM fn_dot_rollup_header(p_process_candidate_code, p_dot_code);
  process_run_id := v_run_id; lease_token := v_token; created := true;
  RETURN NEXT;
END;
$$;
