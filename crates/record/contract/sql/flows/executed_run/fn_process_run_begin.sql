-- The first of the three transactions of an executed run: gates, preflight, lease, header with status 'started', and
-- the producer's receipt. They are committed before the tool is called, so that a crash leaves a true record.
--   Order: validate → key → gates → contract → candidate → preflight → lease → key again → gates' lock → header
--          → gates under their lock → receipt.
-- Every wait is bounded. Every wait comes before the statement that reads the gates and writes the receipt.
--
-- Every run executes this function, as with fn_process_pair_observe: the common path is inline, rare cases are function
-- calls.
--
-- created = false: the key was used before. The result then has no token, no receipt and no attempt, so a key cannot
-- hijack a run. p_on_earlier: 'return' returns the newest attempt under the key; 'retry' begins the next one where
-- fn_dot_retry_check allows it. p_…_contract_sha256: the contracts that the caller prepared; where others are in force
-- by now, the call is refused. p_holder_process: the caller's process, for programs on its machine
-- (fn_dot_lease_holder_ended). The key 'request:<request_id>' belongs to a claimed request (flows/run_request). This
-- function stores the run's id in that request.
CREATE OR REPLACE FUNCTION fn_process_run_begin(
  p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text, p_mode text, p_runner text,
  p_idempotency_key text DEFAULT NULL, p_process_run_id uuid DEFAULT NULL, p_parent_run_id uuid DEFAULT NULL,
  p_input_ref text DEFAULT NULL, p_input_digest text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}',
  p_lease_ttl_seconds integer DEFAULT 60, p_on_earlier text DEFAULT 'return',
  p_producer_contract_sha256 text DEFAULT NULL, p_verifier_contract_sha256 text DEFAULT NULL,
  p_holder_process text DEFAULT NULL, p_allow_secret_input boolean DEFAULT false)
RETURNS TABLE (process_run_id uuid, lease_token uuid, producer_invocation_id uuid, created boolean, attempt integer,
  lease_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  c_plain CONSTANT text := '^[!-~]([ -~]*[!-~])?$';
  v_first_id   uuid;
  v_request_id uuid;
  v_verifier   text;
  v_pair_role  text;
  v_posture    text;
  v_number     bigint;
  v_is_new     boolean;
  v_endpoint   text;
  v_is_preflight_fresh    boolean;
  v_is_preflight_due      boolean;
  v_is_verifier_bound     boolean;
  v_is_any_event_active   boolean;
  v_is_partner_busy       boolean;
  v_is_locked             boolean;
  -- Before the first lock, which assigns a transaction id. A check may count rows that this transaction changed before.
  v_is_unchanged          boolean := pg_current_xact_id_if_assigned() IS NULL;
  v_is_candidate_bound    boolean;
  v_is_unusable           boolean;
  v_is_scope_current      boolean;
  v_lease_name text;
  v_is_scoped  boolean;
  v_attempt_of uuid;
  v_verifier_endpoint text;
  v_producer_contract text;
  v_verifier_contract text;
  v_token      uuid := gen_random_uuid();
  -- As fn_dot_token_digest.
  v_digest     uuid := encode(substring(sha256(uuid_send(v_token)) FROM 1 FOR 16), 'hex')::uuid;
  v_run_id     uuid := coalesce(p_process_run_id, fn_dot_uuid_v7());
  v_now        timestamptz;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- VALIDATE. Short ASCII arguments need no further check.
  IF (p_actor ~ c_plain COLLATE "C" AND p_correlation_id ~ c_plain COLLATE "C"
      AND p_process_candidate_code ~ c_plain COLLATE "C" AND p_runner ~ c_plain COLLATE "C" AND p_evidence_ref = '{}'
      AND length(concat(p_actor, p_process_candidate_code)) <= 200 AND length(p_dot_code) <= 200
      AND length(p_runner) <= 200 AND length(concat(p_correlation_id, p_input_ref)) <= 500 AND p_idempotency_key IS NULL
      AND (p_input_ref IS NULL OR ascii(p_input_ref) BETWEEN 33 AND 126)
      AND (p_input_digest IS NULL OR p_input_digest ~ '^sha256:[0-9a-f]{64}$')
      AND p_mode IN ('DRY_RUN', 'REAL_RUN') AND p_lease_ttl_seconds BETWEEN 1 AND 86400
      AND length(p_holder_process) <= 200) IS NOT TRUE THEN
    SELECT t.p_idempotency_key, t.p_input_ref INTO p_idempotency_key, p_input_ref
    FROM fn_dot_check_texts(p_actor, p_correlation_id, p_process_candidate_code, p_evidence_ref, p_idempotency_key,
      p_input_ref, NULL, NULL) t;
    PERFORM fn_dot_check_mode(p_mode);
    PERFORM fn_dot_lease_check_arguments('dot_exec', p_runner, p_lease_ttl_seconds);
    PERFORM fn_dot_check_text_length(200, jsonb_build_object('dot_code', p_dot_code,
        'holder_process', p_holder_process));
    p_input_digest := fn_dot_check_digest('input_digest', p_input_digest);
  END IF;
  IF p_input_ref LIKE '%://%@%' AND p_allow_secret_input IS NOT TRUE THEN
    PERFORM fn_dot_check_input_secret(p_input_ref);
  END IF;
  v_lease_name := fn_dot_lease_name(p_dot_code, p_process_candidate_code, p_input_ref);
  v_is_scoped := v_lease_name <> fn_dot_lease_name(p_dot_code);
  attempt := 1;
  -- Where no wait is needed, the lease's lock comes first, and one statement after it reads everything.
  v_is_locked := false;
  IF p_idempotency_key IS NULL AND NOT v_is_scoped AND current_setting('transaction_isolation') IN ('read committed',
    'read uncommitted')
    THEN
    PERFORM FROM dot_iu_runtime_lease l WHERE l.lease_name = v_lease_name FOR NO KEY UPDATE SKIP LOCKED;
    v_is_locked := FOUND;
  END IF;
  -- Reads the contracts of both tools: a producer is not called where its verifier could not be called.
  SELECT t.paired_dot, t.pair_role, gates.posture, memory.is_fresh, memory.is_due, of_producer.endpoint_ref,
    of_verifier.dot_code IS NOT NULL,
    EXISTS (SELECT FROM event_type_registry r WHERE r.active),
    EXISTS (SELECT FROM dot_iu_runtime_lease l WHERE l.lease_name = fn_dot_lease_name(t.paired_dot)
      AND l.process_run_id IS NOT NULL AND l.released_at IS NULL AND l.expires_at > clock_timestamp()),
    EXISTS (SELECT FROM process_candidate_pair b
      JOIN process_candidate k ON k.process_candidate_code = b.process_candidate_code
            WHERE b.process_candidate_code = p_process_candidate_code AND b.dot_code = p_dot_code),
    EXISTS (SELECT FROM dot_tools x WHERE x.dot_code IN (p_dot_code, t.paired_dot)
      AND (x.is_retired OR x.paused_until > clock_timestamp())),
    v_is_scoped OR t.lease_scope = 'pair',
    of_producer.contract_sha256, of_verifier.contract_sha256, of_verifier.endpoint_ref
  INTO v_verifier, v_pair_role, v_posture, v_is_preflight_fresh, v_is_preflight_due, v_endpoint, v_is_verifier_bound,
    v_is_any_event_active, v_is_partner_busy, v_is_candidate_bound, v_is_unusable, v_is_scope_current,
    v_producer_contract, v_verifier_contract, v_verifier_endpoint
  FROM v_dot_posture gates CROSS JOIN v_dot_preflight_cache memory
  LEFT JOIN dot_tools t ON t.dot_code = p_dot_code
  LEFT JOIN dot_agent_api_contract of_producer ON of_producer.dot_code = p_dot_code AND of_producer.mode = p_mode
    AND of_producer.contract_status = 'active'
    AND (of_producer.candidate_code IS NULL OR of_producer.candidate_code = p_process_candidate_code)
  LEFT JOIN dot_agent_api_contract of_verifier ON of_verifier.dot_code = t.paired_dot AND of_verifier.mode = p_mode
    AND of_verifier.contract_status = 'active'
    AND (of_verifier.candidate_code IS NULL OR of_verifier.candidate_code = p_process_candidate_code);
  IF v_pair_role IS DISTINCT FROM 'producer' THEN
    PERFORM fn_dot_refuse_pair(p_dot_code);
  END IF;

  -- KEY
  IF p_idempotency_key IS NOT NULL THEN
    v_request_id := fn_dot_request_by_run_key(p_idempotency_key);
    v_first_id := fn_dot_run_by_key(p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, p_mode);
    IF v_first_id IS NOT NULL THEN
      SELECT n.attempt, n.attempt_of INTO attempt, v_attempt_of
      FROM fn_dot_next_attempt(v_first_id, p_on_earlier, v_request_id, p_input_ref, p_runner) n;
      IF v_attempt_of IS NULL THEN
        process_run_id := v_first_id; created := false; attempt := NULL;
        RETURN NEXT;
        RETURN;
      END IF;
    END IF;
    PERFORM fn_dot_check_request(v_request_id, p_dot_code, p_process_candidate_code, p_correlation_id, p_mode);
  END IF;

  -- GATE 1. The statement that writes the receipt reads the gates again, under their lock.
  IF v_posture <> 'REAL_RUN' THEN
    PERFORM fn_dot_check_evidence_gate(p_mode, v_posture);
  END IF;
  IF v_endpoint IS NULL THEN
    v_endpoint := fn_dot_contract_for(p_dot_code, p_mode, p_process_candidate_code);
  END IF;
  IF NOT v_is_verifier_bound THEN
    PERFORM fn_dot_contract_for(v_verifier, p_mode, p_process_candidate_code);
  END IF;
  IF v_is_unusable THEN
    PERFORM fn_dot_check_not_retired(p_dot_code);
    PERFORM fn_dot_check_not_paused(p_dot_code);
  END IF;
  IF (p_producer_contract_sha256 <> v_producer_contract OR p_verifier_contract_sha256 <> v_verifier_contract) THEN
    PERFORM fn_dot_refuse_changed_contract(p_dot_code, p_mode);
  END IF;
  IF p_mode = 'REAL_RUN' AND NOT v_is_candidate_bound THEN
    PERFORM fn_dot_check_candidate_pair(p_process_candidate_code, p_dot_code);
  END IF;

  -- GATE 2. With a key, this call may have waited since the first read.
  IF v_is_preflight_fresh IS NOT TRUE OR p_idempotency_key IS NOT NULL THEN
    PERFORM fn_dot_preflight_check_stale(v_is_unchanged);
  ELSIF v_is_preflight_due THEN
    PERFORM fn_dot_preflight_refresh(v_is_unchanged);
  END IF;

  -- LEASE. Locks its row, then reads the clock. A caller that would have to wait for the lock reads the lease first.
  IF NOT v_is_locked THEN
    IF v_is_scoped THEN
      PERFORM fn_dot_lease_wait_scoped(p_dot_code, v_lease_name);
    ELSE
      PERFORM fn_dot_lease_wait(v_lease_name);
    END IF;
    PERFORM fn_dot_check_pair_is_current(p_dot_code, v_verifier, true);
    v_is_scope_current := v_lease_name = fn_dot_lease_name(p_dot_code, p_process_candidate_code, p_input_ref);
    -- Contracts may have changed during the wait. Both of a run are read in one statement.
    IF (SELECT count(*) FROM dot_agent_api_contract c WHERE c.mode = p_mode AND c.contract_status = 'active'
          AND (c.dot_code, c.contract_sha256) IN ((p_dot_code, v_producer_contract), (v_verifier, v_verifier_contract)))
        <> 2 THEN
      PERFORM fn_dot_refuse_changed_contract(p_dot_code, p_mode);
    END IF;
  END IF;
  IF NOT v_is_scope_current THEN
    PERFORM fn_dot_refuse('busy', format('the lease scope of %s was just changed', p_dot_code),
      jsonb_build_object('dot_code', p_dot_code));
  END IF;
  IF p_idempotency_key IS NOT NULL THEN
    -- Another call with the same key may have begun the run, or the next attempt, while this call waited.
    process_run_id := fn_dot_run_by_key(p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id,
      p_mode);
    IF process_run_id IS DISTINCT FROM v_first_id THEN
      created := false; attempt := NULL;
      RETURN NEXT;
      RETURN;
    END IF;
    IF octet_length(p_idempotency_key) + greatest(octet_length(p_dot_code), octet_length(v_verifier)) > 2500 THEN
      PERFORM fn_dot_refuse('text_too_long', 'the idempotency key and a DOT''s code are more than 2500 bytes together');
    END IF;
  END IF;
  v_now := clock_timestamp();
  IF v_is_partner_busy THEN
    -- The pair's roles were swapped during a run. One pair has one open run at a time.
    PERFORM fn_dot_lease_refuse(fn_dot_lease_name(v_verifier));
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET lease_holder = p_runner, lease_token = v_digest, holder_login = session_user, acquired_at = v_now,
    expires_at = v_now + make_interval(secs => p_lease_ttl_seconds),
      released_at = NULL, acquisitions = l.acquisitions + 1, process_run_id = v_run_id,
      holder_process = p_holder_process
  WHERE l.lease_name = v_lease_name AND l.process_run_id IS NULL
    AND (l.released_at IS NOT NULL OR l.expires_at <= v_now);
  IF NOT FOUND THEN
    -- The lease is held, or its last holder left a run without a conclusion.
    IF NOT fn_dot_lease_take(v_lease_name, p_runner, v_digest, p_lease_ttl_seconds, false) THEN
      PERFORM fn_dot_lease_refuse(v_lease_name);
    END IF;
    UPDATE dot_iu_runtime_lease l SET process_run_id = v_run_id, holder_process = p_holder_process
    WHERE l.lease_name = v_lease_name;
  END IF;

  -- GATES. Takes their lock in share mode; a gate change waits for it at commit (fn_dot_gate_change_record).
  BEGIN
    LOCK TABLE dot_gate_state IN ROW SHARE MODE;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse('busy', 'another transaction is changing a gate');
  END;

  -- HEADER. Its tags are those of fn_dot_evidence_tags().
  v_now := clock_timestamp();
  BEGIN
    INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id,
      parent_run_id, status, evidence_type, source_system, idempotency_key, lease_name, lease_token, input_ref,
      evidence_ref, actor, started_at, created_at, attempt, attempt_of)
    VALUES (v_run_id, p_dot_code, p_process_candidate_code, p_correlation_id, p_parent_run_id, 'started', p_mode,
      'dot_exec_wrapper', p_idempotency_key, v_lease_name, v_digest, p_input_ref,
      (coalesce(p_evidence_ref, '{}') - 'no_execute')
        || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', p_actor, 'posture', v_posture), p_actor, v_now,
        v_now, attempt, v_attempt_of)
    ON CONFLICT DO NOTHING;
    v_is_new := FOUND;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse_busy_twin();
  END;
  IF NOT v_is_new THEN
    -- Another call, which this lease does not exclude, used the key or the id meanwhile. Returns that call's id or
    -- refuses.
    process_run_id := fn_dot_run_resolve_conflict(v_run_id, p_idempotency_key, p_process_candidate_code, p_dot_code,
      p_correlation_id, p_mode);
    IF process_run_id = v_first_id THEN
      PERFORM fn_dot_refuse('id_in_use', format('there is a run %s already', v_run_id),
        jsonb_build_object('process_run_id', v_run_id));
    END IF;
    created := false; attempt := NULL;
    UPDATE dot_iu_runtime_lease l SET released_at = v_now, process_run_id = NULL WHERE l.lease_name = v_lease_name;
    RETURN NEXT;
    RETURN;
  END IF;
  IF v_request_id IS NOT NULL THEN
    UPDATE dot_run_request r SET process_run_id = v_run_id, attempt = fn_process_run_begin.attempt
    WHERE r.request_id = v_request_id;
  END IF;

  -- RECEIPT. One statement reads the gates and writes the receipt. The id is a UUIDv7 (fn_dot_uuid_v7).
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    PERFORM fn_dot_check_snapshot();
  END IF;
  producer_invocation_id := (lpad(to_hex((extract(epoch FROM v_now) * 1000)::bigint), 12, '0') || '7'
    || substr(gen_random_uuid()::text, 16))::uuid;
  INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
    input_digest, runner, begun_change_number, cluster_id, contract_sha256, verifier_contract_sha256,
    verifier_endpoint_ref)
  SELECT producer_invocation_id, v_run_id, p_dot_code, 'producer', p_mode, gates.posture, v_endpoint, p_input_digest,
    p_runner, s.change_number, fn_dot_cluster_id(), v_producer_contract, v_verifier_contract, v_verifier_endpoint
  FROM v_dot_posture gates CROSS JOIN dot_gate_state s
  WHERE s.xmax = '0' AND NOT gates.is_changed_here
    AND (gates.posture = 'REAL_RUN' OR gates.posture = 'DRY_RUN_ONLY' AND p_mode = 'DRY_RUN');
  IF NOT FOUND THEN
    -- A gate expired since, is being changed, or was changed by this transaction.
    SELECT g.posture, g.change_number INTO v_posture, v_number FROM fn_dot_gates_for_receipt(p_mode) g;
    INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
      input_digest, runner, begun_change_number, cluster_id, contract_sha256, verifier_contract_sha256,
      verifier_endpoint_ref)
    VALUES (producer_invocation_id, v_run_id, p_dot_code, 'producer', p_mode, v_posture, v_endpoint, p_input_digest,
      p_runner, v_number, fn_dot_cluster_id(), v_producer_contract, v_verifier_contract, v_verifier_endpoint);
  END IF;

  IF v_is_any_event_active THEN
    PERFORM fn_dot_event_emit(fn_dot_event_type_for('started', false), v_run_id, NULL, p_correlation_id, p_dot_code,
      'started', p_mode, 'dot_exec_wrapper', p_input_ref, NULL);
  END IF;
  process_run_id := v_run_id; lease_token := v_token; created := true; lease_name := v_lease_name;
  RETURN NEXT;
END;
$$;
