-- The main function, in one transaction and one round trip: gates, preflight, lease, header, producer, verifier,
-- events, release. The single functions write the same rows step by step.
--   Order: validate → key → gates → preflight → lease → key again → write.
--
-- Every run executes this function, and each call of a function with a pinned search_path costs as much as a small
-- query. Therefore the common path is inline, its reads are one statement, and rare cases (refusals, stale check
-- results, a contended lease, active events) are function calls. docs/decisions/0007-the-pair-inline.md has the
-- figures.
CREATE OR REPLACE FUNCTION fn_process_pair_observe(
  p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text,
  p_wrapper_status text DEFAULT 'completed', p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN',
  p_dry_run boolean DEFAULT true, p_idempotency_key text DEFAULT NULL, p_process_run_id uuid DEFAULT NULL,
  p_parent_run_id uuid DEFAULT NULL, p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL,
  p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}', p_lease_ttl_seconds integer DEFAULT 60,
  p_allow_secret_input boolean DEFAULT false)
RETURNS TABLE (process_run_id uuid, producer_component_run_id uuid, verifier_component_run_id uuid, status text,
               evidence_type text, created boolean, events_emitted integer, output_ref text, error_ref text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  c_plain CONSTANT       text := '^[!-~]([ -~]*[!-~])?$';
  v_run_status           text := 'completed';
  v_part_status          text := 'step_completed';
  v_verifier             text;
  v_pair_role            text;
  v_posture              text;
  v_is_preflight_fresh   boolean;
  v_is_preflight_due     boolean;
  v_is_any_event_active  boolean;
  v_first_id             uuid;
  v_lease_name           text := fn_dot_lease_name(p_dot_code);
  v_now                  timestamptz;
  v_started_at           timestamptz;
  v_ended_at             timestamptz;
  v_id                   text;
  v_rows                 bigint;
  v_is_new               boolean;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF p_input_ref LIKE '%://%@%' AND p_allow_secret_input IS NOT TRUE THEN
    PERFORM fn_dot_check_input_secret(p_input_ref);
  END IF;
  -- VALIDATE, and map the wrapper's status to the stored ones. Short ASCII arguments of a completed simulation need no
  -- further check.
  IF (p_actor ~ c_plain COLLATE "C" AND p_correlation_id ~ c_plain COLLATE "C"
      AND p_process_candidate_code ~ c_plain COLLATE "C"
      AND p_evidence_ref = '{}' AND length(concat(p_actor, p_process_candidate_code)) <= 200
      AND length(concat(p_correlation_id, p_idempotency_key, p_input_ref, p_output_ref, p_error_ref)) <= 500
      AND (p_idempotency_key IS NULL OR p_idempotency_key ~ c_plain COLLATE "C"
        AND p_idempotency_key !~ '^(request|backfill):')
      AND (p_input_ref IS NULL OR ascii(p_input_ref) BETWEEN 33 AND 126)
      AND (p_output_ref IS NULL OR ascii(p_output_ref) BETWEEN 33 AND 126)
      AND (p_error_ref IS NULL OR ascii(p_error_ref) BETWEEN 33 AND 126)
      AND p_wrapper_status = 'completed' AND p_evidence_type = 'SIMULATED_DRY_RUN'
      AND p_lease_ttl_seconds BETWEEN 1 AND 86400) IS NOT TRUE THEN
    SELECT t.p_idempotency_key, t.p_input_ref, t.p_output_ref, t.p_error_ref
    INTO p_idempotency_key, p_input_ref, p_output_ref, p_error_ref
    FROM fn_dot_check_texts(p_actor, p_correlation_id, p_process_candidate_code, p_evidence_ref,
      p_idempotency_key, p_input_ref, p_output_ref, p_error_ref) t;
    PERFORM fn_dot_check_key(p_idempotency_key);
    CASE p_wrapper_status
      WHEN 'completed' THEN NULL;
      WHEN 'started'   THEN v_run_status := 'started';   v_part_status := 'step_started';
      WHEN 'failed'    THEN v_run_status := 'failed';    v_part_status := 'failed';
      WHEN 'prepared'  THEN v_run_status := 'observed';  v_part_status := 'observed';
      WHEN 'skipped'   THEN v_run_status := 'cancelled'; v_part_status := 'cancelled';
      ELSE PERFORM fn_dot_refuse_wrapper_status(p_wrapper_status);
    END CASE;
    SELECT e.p_evidence_type, e.p_evidence_ref INTO p_evidence_type, p_evidence_ref
    FROM fn_dot_pair_evidence(p_wrapper_status, p_dry_run, p_evidence_type, p_evidence_ref) e;
    PERFORM fn_dot_lease_check_arguments('dot_exec', p_actor, p_lease_ttl_seconds);
  END IF;
  SELECT t.paired_dot, t.pair_role, gates.posture, memory.is_fresh, memory.is_due,
    EXISTS (SELECT FROM event_type_registry r WHERE r.active)
  INTO v_verifier, v_pair_role, v_posture, v_is_preflight_fresh, v_is_preflight_due, v_is_any_event_active
  FROM v_dot_posture gates CROSS JOIN v_dot_preflight_cache memory
  LEFT JOIN dot_tools t ON t.dot_code = p_dot_code;
  IF v_pair_role IS DISTINCT FROM 'producer' THEN
    PERFORM fn_dot_refuse_pair(p_dot_code);
  END IF;

  -- A retry returns the first call's ids even while the lease is held or a check blocks.
  IF p_idempotency_key IS NOT NULL THEN
    v_first_id := fn_dot_run_by_key(p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id,
      p_evidence_type);
    IF v_first_id IS NOT NULL THEN
      RETURN QUERY SELECT * FROM fn_dot_pair_by_run(v_first_id);
      RETURN;
    END IF;
  END IF;

  -- GATE 1
  IF p_evidence_type <> 'SIMULATED_DRY_RUN' THEN
    PERFORM fn_dot_check_evidence_gate(p_evidence_type, v_posture);
    PERFORM fn_dot_refuse('invocation_required',
      format('a %s pair needs the receipts of its calls: the wrapper records, it cannot invoke', p_evidence_type));
  END IF;

  -- GATE 2
  IF v_is_preflight_fresh IS NOT TRUE THEN
    PERFORM fn_assert_safe_for_dot_action();
  ELSIF v_is_preflight_due THEN
    PERFORM fn_dot_preflight_refresh(pg_current_xact_id_if_assigned() IS NULL);
  END IF;

  -- LEASE. Locks its row until this transaction ends, then reads the clock, so that the expiry is compared with the
  -- time after the wait. A lease that a run holds is not locked, even by a call that finds its key used and succeeds.
  PERFORM FROM dot_iu_runtime_lease l
  WHERE l.lease_name = v_lease_name AND (l.released_at IS NOT NULL OR l.expires_at <= clock_timestamp())
  FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    PERFORM fn_dot_lease_wait(v_lease_name);
    PERFORM fn_dot_check_pair_is_current(p_dot_code, v_verifier, false);
  END IF;
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    PERFORM fn_dot_check_snapshot();
  END IF;
  IF p_idempotency_key IS NOT NULL THEN
    -- Another call with the same key may have committed while this call waited.
    v_first_id := fn_dot_run_by_key(p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id,
      p_evidence_type);
    IF v_first_id IS NOT NULL THEN
      RETURN QUERY SELECT * FROM fn_dot_pair_by_run(v_first_id);
      RETURN;
    END IF;
    IF octet_length(p_idempotency_key) + greatest(octet_length(p_dot_code), octet_length(v_verifier)) > 2500 THEN
      PERFORM fn_dot_refuse('text_too_long', 'the idempotency key and a DOT''s code are more than 2500 bytes together');
    END IF;
  END IF;
  v_now := clock_timestamp();

  -- All ids are one UUIDv7 (fn_dot_uuid_v7) with different last digits.
  v_id := lpad(to_hex((extract(epoch FROM v_now) * 1000)::bigint), 12, '0') || '7'
    || substr(gen_random_uuid()::text, 16, 20);
  process_run_id := coalesce(p_process_run_id, (v_id || '0')::uuid);
  producer_component_run_id := (v_id || '1')::uuid;
  verifier_component_run_id := (v_id || '2')::uuid;

  -- One update acquires and releases the lease (RELEASE: its lock ends with this transaction) and counts the pair for
  -- status pages. No caller receives the token. Where the lease is not free, the call is refused.
  UPDATE dot_iu_runtime_lease l
  SET lease_holder = p_actor, lease_token = gen_random_uuid(), holder_login = session_user, acquired_at = v_now,
    released_at = v_now,
      expires_at = v_now + make_interval(secs => p_lease_ttl_seconds), acquisitions = l.acquisitions + 1,
      observed_runs = l.observed_runs + 1, observed_at = v_now, observed_run_id = process_run_id
  WHERE l.lease_name = v_lease_name AND l.observed_candidate = p_process_candidate_code
    AND l.observed_verifier = v_verifier
    AND l.observed_type = 'SIMULATED_DRY_RUN' AND l.process_run_id IS NULL
    AND (l.released_at IS NOT NULL OR l.expires_at <= v_now);
  IF NOT FOUND THEN
    PERFORM fn_dot_lease_acquire_and_release(v_lease_name, p_actor, p_lease_ttl_seconds, p_process_candidate_code,
      v_verifier, process_run_id, v_now);
  END IF;

  -- HEADER, with its final status. Its tags are those of fn_dot_evidence_tags().
  p_evidence_ref := coalesce(p_evidence_ref, '{}')
    || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', p_actor, 'posture', v_posture, 'no_execute', true);
  v_started_at := CASE WHEN p_wrapper_status IN ('started', 'completed', 'failed') THEN v_now END;
  v_ended_at := CASE WHEN p_wrapper_status IN ('completed', 'failed') THEN v_now END;
  BEGIN
    INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id,
      parent_run_id, status, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref,
      evidence_ref, actor, started_at, ended_at, created_at)
    VALUES (process_run_id, p_dot_code, p_process_candidate_code, p_correlation_id, p_parent_run_id,
      v_run_status, p_evidence_type, 'dot_exec_wrapper', p_idempotency_key, p_input_ref,
      p_output_ref, p_error_ref, p_evidence_ref, p_actor, v_started_at, v_ended_at, v_now)
    ON CONFLICT DO NOTHING;
    v_is_new := FOUND;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse_busy_twin();
  END;
  IF NOT v_is_new THEN
    -- Another call, which this lease does not exclude, used the key or the id meanwhile.
    PERFORM fn_dot_run_resolve_conflict(process_run_id, p_idempotency_key, p_process_candidate_code, p_dot_code,
      p_correlation_id, p_evidence_type);
    v_first_id := fn_dot_run_by_key(p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id,
      p_evidence_type);
    PERFORM fn_dot_rollup_undo_lease(v_lease_name);
    RETURN QUERY SELECT * FROM fn_dot_pair_by_run(v_first_id);
    RETURN;
  END IF;

  -- COMPONENTS, producer and verifier. ON CONFLICT costs as much as a third index, so it is used only with a key.
  IF p_idempotency_key IS NULL THEN
    INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, parent_run_id,
      process_candidate_code, correlation_id, dot_code, status, evidence_type, source_system, input_ref, output_ref,
      error_ref, evidence_ref, actor, started_at, ended_at, created_at)
    VALUES
      (producer_component_run_id, process_run_id, 'producer', p_parent_run_id, p_process_candidate_code,
       p_correlation_id, p_dot_code, v_part_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref,
       p_error_ref, p_evidence_ref, p_actor, v_started_at, v_ended_at, v_now),
      (verifier_component_run_id, process_run_id, 'verifier', p_parent_run_id, p_process_candidate_code,
       p_correlation_id, v_verifier, v_part_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref,
       p_error_ref, p_evidence_ref, p_actor, v_started_at, v_ended_at, v_now);
  ELSE
    BEGIN
      INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, parent_run_id,
        process_candidate_code, correlation_id, dot_code, status, evidence_type, source_system, input_ref, output_ref,
        error_ref, evidence_ref, actor, started_at, ended_at, created_at, idempotency_key)
      VALUES
        (producer_component_run_id, process_run_id, 'producer', p_parent_run_id, p_process_candidate_code,
         p_correlation_id, p_dot_code, v_part_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref,
         p_error_ref, p_evidence_ref, p_actor, v_started_at, v_ended_at, v_now, p_idempotency_key || ':' || p_dot_code),
        (verifier_component_run_id, process_run_id, 'verifier', p_parent_run_id, p_process_candidate_code,
         p_correlation_id, v_verifier, v_part_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref,
         p_error_ref, p_evidence_ref, p_actor, v_started_at, v_ended_at, v_now, p_idempotency_key || ':' || v_verifier)
      ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
      GET DIAGNOSTICS v_rows = ROW_COUNT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      PERFORM fn_dot_refuse_busy_twin();
    END;
    IF v_rows <> 2 THEN
      PERFORM fn_dot_refuse('idempotency_conflict',
        'a component''s key, <key>:<dot_code>, was used for another component');
    END IF;
  END IF;

  -- EVENTS, where a type is active.
  events_emitted := 0;
  IF v_is_any_event_active THEN
    events_emitted := fn_dot_pair_events(ARRAY[process_run_id, producer_component_run_id, verifier_component_run_id],
      p_correlation_id, p_dot_code, v_verifier, v_run_status, v_part_status, p_evidence_type, p_input_ref,
      p_output_ref);
  END IF;

  status := v_run_status;
  evidence_type := p_evidence_type;
  output_ref := p_output_ref;
  error_ref := p_error_ref;
  created := true;
  RETURN NEXT;
END;
$$;
