-- The main job, in ONE transaction and ONE round trip: gates, preflight, lease, header, producer, verifier, events,
-- release. The single functions give the same rows step by step.
-- Order: validate → key → gates → preflight → lease → key again → write.
--
-- Every run pays for each line of this, and each call of a function that pins its search_path costs as much as a small
-- query: so the common path is inline, its reads are one statement, and what is rare (refusals, stale preflight answers, a
-- contended lease, active events) is called. docs/decisions/0007-the-pair-inline.md has the figures.
CREATE OR REPLACE FUNCTION fn_process_pair_observe(
  p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_actor text,
  p_wrapper_status text DEFAULT 'completed', p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN', p_dry_run boolean DEFAULT true,
  p_idempotency_key text DEFAULT NULL, p_process_run_id uuid DEFAULT NULL, p_parent_run_id uuid DEFAULT NULL,
  p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}',
  p_lease_ttl_seconds integer DEFAULT 60)
RETURNS TABLE (process_run_id uuid, producer_component_run_id uuid, verifier_component_run_id uuid, status text,
               evidence_type text, created boolean, events_emitted integer, output_ref text, error_ref text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_key           text := p_idempotency_key;
  v_input_ref     text := p_input_ref;
  v_run_status    text;
  v_part_status   text;
  v_evidence_type text := p_evidence_type;
  v_evidence      jsonb := p_evidence_ref;
  v_situation     record;
  v_run           process_run_observation;
  v_lease_name    text := 'dot_exec:' || p_dot_code;
  v_now           timestamptz;
  v_started_at    timestamptz;
  v_ended_at      timestamptz;
  v_id            bytea;
  v_rows          bigint;
BEGIN
  output_ref := p_output_ref;
  error_ref := p_error_ref;
  -- VALIDATE, and map the wrapper's status to the stored ones
  -- What is plainly in order (short, and with a visible ASCII character) needs no closer look.
  IF (p_actor ~ '[!-~]' AND p_correlation_id ~ '[!-~]' AND p_process_candidate_code ~ '[!-~]' AND p_evidence_ref = '{}'
      AND length(concat(p_actor, p_process_candidate_code)) <= 200
      AND length(concat(p_correlation_id, p_idempotency_key, p_input_ref, p_output_ref, p_error_ref)) <= 500
      AND (p_idempotency_key IS NULL OR p_idempotency_key ~ '[!-~]') AND (p_input_ref IS NULL OR p_input_ref ~ '[!-~]')
      AND (p_output_ref IS NULL OR p_output_ref ~ '[!-~]') AND (p_error_ref IS NULL OR p_error_ref ~ '[!-~]')) IS NOT TRUE THEN
    SELECT t.p_idempotency_key, t.p_input_ref, t.p_output_ref, t.p_error_ref INTO v_key, v_input_ref, output_ref, error_ref
    FROM fn_dot_check_texts(p_actor, p_correlation_id, p_process_candidate_code, p_evidence_ref,
      p_idempotency_key, p_input_ref, p_output_ref, p_error_ref) t;
  END IF;
  CASE p_wrapper_status
    WHEN 'completed' THEN v_run_status := 'completed'; v_part_status := 'step_completed';
    WHEN 'started'   THEN v_run_status := 'started';   v_part_status := 'step_started';
    WHEN 'failed'    THEN v_run_status := 'failed';    v_part_status := 'failed';
    WHEN 'prepared'  THEN v_run_status := 'observed';  v_part_status := 'observed';
    WHEN 'skipped'   THEN v_run_status := 'cancelled'; v_part_status := 'cancelled';
    ELSE PERFORM fn_dot_refuse_wrapper_status(p_wrapper_status);
  END CASE;
  IF p_evidence_type IS DISTINCT FROM 'SIMULATED_DRY_RUN' OR p_wrapper_status IN ('prepared', 'skipped') THEN
    SELECT e.p_evidence_type, e.p_evidence_ref INTO v_evidence_type, v_evidence
    FROM fn_dot_pair_evidence(p_wrapper_status, p_dry_run, p_evidence_type, p_evidence_ref) e;
  END IF;
  IF p_lease_ttl_seconds IS NULL OR p_lease_ttl_seconds NOT BETWEEN 1 AND 86400 THEN
    PERFORM fn_dot_lease_check_arguments('dot_exec', p_actor, p_lease_ttl_seconds);
  END IF;
  SELECT t.paired_dot, t.pair_role, posture.posture, memory.enabled > 0 AND memory.stale = 0 AS is_preflight_fresh,
    EXISTS (SELECT FROM event_type_registry r WHERE r.active) AS is_any_event_active,
    l.released_at IS NULL AND l.expires_at > clock_timestamp() AS is_lease_held
  INTO v_situation
  FROM v_dot_posture posture CROSS JOIN v_dot_preflight_memory memory
  LEFT JOIN dot_tools t ON t.dot_code = p_dot_code
  LEFT JOIN dot_iu_runtime_lease l ON l.lease_name = v_lease_name;
  IF v_situation.pair_role IS DISTINCT FROM 'producer' THEN
    PERFORM fn_dot_refuse_pair(p_dot_code);
  END IF;

  -- A retry gets the first call's ids even while the lease is held or a preflight blocks.
  IF v_key IS NOT NULL THEN
    v_run := fn_dot_run_of_key(v_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_evidence_type);
    IF v_run.process_run_id IS NOT NULL THEN
      RETURN QUERY SELECT * FROM fn_dot_pair_of_run(v_run);
      RETURN;
    END IF;
  END IF;

  -- GATE 1
  IF v_evidence_type <> 'SIMULATED_DRY_RUN' THEN
    PERFORM fn_dot_check_evidence_gate(v_evidence_type, v_situation.posture);
    PERFORM fn_dot_refuse('invocation_required',
      format('a %s pair needs the receipts of its calls: the wrapper records, it can not invoke', v_evidence_type));
  END IF;

  -- GATE 2
  IF NOT v_situation.is_preflight_fresh THEN
    PERFORM fn_assert_safe_for_dot_action();
  END IF;

  -- LEASE: its lock, until this transaction ends. A lease that was held a moment ago is not worth the wait for it, nor the
  -- write-ahead log of a try; whether it is free is decided at the end, by the clock as it is after the lock.
  IF v_situation.is_lease_held THEN
    PERFORM fn_dot_lease_refuse(v_lease_name);
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' lease ' || v_lease_name, 0)) THEN
    PERFORM fn_dot_lease_wait(v_lease_name);
  END IF;
  IF v_key IS NOT NULL THEN
    -- A twin may have finished while this call waited.
    v_run := fn_dot_run_of_key(v_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_evidence_type);
    IF v_run.process_run_id IS NOT NULL THEN
      RETURN QUERY SELECT * FROM fn_dot_pair_of_run(v_run);
      RETURN;
    END IF;
    IF octet_length(v_key) + greatest(octet_length(p_dot_code), octet_length(v_situation.paired_dot)) > 2500 THEN
      PERFORM fn_dot_refuse('text_too_long', 'the idempotency key and a DOT''s code are more than 2500 bytes together');
    END IF;
  END IF;
  v_now := clock_timestamp();

  -- HEADER, with its final status. The three ids are one UUIDv7, made as fn_dot_uuid_v7() does, told apart by its last two
  -- bits; the tags are those of fn_dot_evidence_tags().
  v_id := set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM v_now) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1);
  process_run_id := coalesce(p_process_run_id, encode(v_id, 'hex')::uuid);
  producer_component_run_id := encode(set_byte(v_id, 15, get_byte(v_id, 15) # 1), 'hex')::uuid;
  verifier_component_run_id := encode(set_byte(v_id, 15, get_byte(v_id, 15) # 2), 'hex')::uuid;
  v_evidence := coalesce(v_evidence, '{}')
    || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', p_actor, 'posture', v_situation.posture, 'no_execute', true);
  v_started_at := CASE WHEN p_wrapper_status IN ('started', 'completed', 'failed') THEN v_now END;
  v_ended_at := CASE WHEN p_wrapper_status IN ('completed', 'failed') THEN v_now END;
  INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, parent_run_id,
    status, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor,
    started_at, ended_at, created_at)
  VALUES (process_run_id, p_dot_code, p_process_candidate_code, p_correlation_id, p_parent_run_id,
    v_run_status, v_evidence_type, 'dot_exec_wrapper', v_key, v_input_ref,
    output_ref, error_ref, v_evidence, p_actor, v_started_at, v_ended_at, v_now)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    -- The key or the id was taken meanwhile, by a call that this lease does not keep away.
    PERFORM fn_dot_run_already_there(process_run_id, v_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_evidence_type);
    v_run := fn_dot_run_of_key(v_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_evidence_type);
    RETURN QUERY SELECT * FROM fn_dot_pair_of_run(v_run);
    RETURN;
  END IF;

  -- PARTS, producer and verifier
  INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, parent_run_id, process_candidate_code,
    correlation_id, dot_code, status, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref,
    evidence_ref, actor, started_at, ended_at, created_at)
  VALUES
    (producer_component_run_id, process_run_id, 'producer', p_parent_run_id, p_process_candidate_code,
     p_correlation_id, p_dot_code, v_part_status, v_evidence_type, 'dot_exec_wrapper',
     v_key || ':' || p_dot_code, v_input_ref, output_ref, error_ref,
     v_evidence, p_actor, v_started_at, v_ended_at, v_now),
    (verifier_component_run_id, process_run_id, 'verifier', p_parent_run_id, p_process_candidate_code,
     p_correlation_id, v_situation.paired_dot, v_part_status, v_evidence_type, 'dot_exec_wrapper',
     v_key || ':' || v_situation.paired_dot, v_input_ref, output_ref, error_ref,
     v_evidence, p_actor, v_started_at, v_ended_at, v_now)
  ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  IF v_rows <> 2 THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'a component''s key, <key>:<dot_code>, was used for another component');
  END IF;

  -- EVENTS, where a type is active
  events_emitted := CASE WHEN v_situation.is_any_event_active
    THEN fn_dot_pair_events(ARRAY[process_run_id, producer_component_run_id, verifier_component_run_id], p_correlation_id, p_dot_code, v_situation.paired_dot, v_run_status, v_part_status,
      v_evidence_type, v_input_ref, output_ref) ELSE 0 END;

  -- The lease is taken, given back (RELEASE: the lock goes with this transaction) and the pair counted for status pages, in
  -- one update. Where it is not free after all, this refuses, and nothing of the above was ever there.
  UPDATE dot_iu_runtime_lease l
  SET lease_holder = p_actor, lease_token = gen_random_uuid(), acquired_at = v_now, released_at = v_now,
      expires_at = v_now + make_interval(secs => p_lease_ttl_seconds), acquisitions = l.acquisitions + 1,
      observed_runs = l.observed_runs + 1, observed_at = v_now, observed_run_id = process_run_id
  WHERE l.lease_name = v_lease_name AND l.observed_candidate = p_process_candidate_code
    AND (l.released_at IS NOT NULL OR l.expires_at <= v_now);
  IF NOT FOUND THEN
    PERFORM fn_dot_lease_pass(v_lease_name, p_actor, p_lease_ttl_seconds, p_process_candidate_code, process_run_id, v_now);
  END IF;

  status := v_run_status;
  evidence_type := v_evidence_type;
  created := true;
  RETURN NEXT;
END;
$$;
