-- The main job, in ONE transaction and ONE round trip: gates, preflight, lease, header, producer, verifier, events,
-- release. Every line here is a layer of the drawing; the single functions give the same rows step by step.
-- Order: validate → key → gates → preflight → lease → key again → write.
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
  v_texts       record;
  v_stored      record;
  v_verifier    text;
  v_run         process_run_observation;
  v_posture     text;
  v_evidence    jsonb;
  v_now         timestamptz;
  v_started_at  timestamptz;
  v_ended_at    timestamptz;
  v_run_id      uuid;
  v_producer_id uuid;
  v_verifier_id uuid;
  v_rows        bigint;
  v_events      integer;
BEGIN
  -- VALIDATE
  v_texts := fn_dot_check_texts(p_actor, p_correlation_id, p_process_candidate_code, p_evidence_ref,
    p_idempotency_key, p_input_ref, p_output_ref, p_error_ref);
  v_stored := fn_dot_stored_status(p_wrapper_status, p_evidence_type, p_dry_run);
  IF p_lease_ttl_seconds IS NULL OR p_lease_ttl_seconds NOT BETWEEN 1 AND 86400 THEN
    PERFORM fn_dot_refuse('ttl_invalid', format('a lease can not live for %s seconds', coalesce(p_lease_ttl_seconds::text, 'null')));
  END IF;
  v_verifier := fn_dot_verifier_of(p_dot_code);

  -- A retry gets the first call's ids even while the lease is held or a preflight blocks.
  IF v_texts.p_idempotency_key IS NOT NULL THEN
    v_run := fn_dot_run_of_key(v_texts.p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_stored.evidence_type);
    IF v_run.process_run_id IS NOT NULL THEN
      RETURN QUERY SELECT * FROM fn_dot_pair_of_run(v_run);
      RETURN;
    END IF;
  END IF;

  -- GATE 1
  v_posture := fn_process_dot_posture();
  IF v_stored.evidence_type <> 'SIMULATED_DRY_RUN' THEN
    PERFORM fn_dot_check_evidence_gate(v_stored.evidence_type, v_posture);
    PERFORM fn_dot_refuse('invocation_required', format('a %s pair needs the receipts of its calls: the wrapper records, it can not invoke', v_stored.evidence_type));
  END IF;

  -- GATE 2
  PERFORM fn_assert_safe_for_dot_action();

  -- LEASE, held as a row lock until this transaction ends
  PERFORM fn_dot_lease_pass('dot_exec:' || p_dot_code, p_actor, p_lease_ttl_seconds);
  IF v_texts.p_idempotency_key IS NOT NULL THEN
    -- A twin may have finished while this call waited for the lease.
    v_run := fn_dot_run_of_key(v_texts.p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_stored.evidence_type);
    IF v_run.process_run_id IS NOT NULL THEN
      RETURN QUERY SELECT * FROM fn_dot_pair_of_run(v_run);
      RETURN;
    END IF;
  END IF;

  -- HEADER, with its final status
  v_evidence := fn_dot_evidence_tags(coalesce(p_evidence_ref, '{}') || v_stored.tags, p_actor, v_posture, false);
  v_now := clock_timestamp();
  v_started_at := CASE WHEN v_stored.has_started THEN v_now END;
  v_ended_at := CASE WHEN v_stored.has_ended THEN v_now END;
  v_run_id := coalesce(p_process_run_id, fn_dot_uuid_v7());
  INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, parent_run_id,
    status, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor,
    started_at, ended_at, created_at)
  VALUES (v_run_id, p_dot_code, p_process_candidate_code, p_correlation_id, p_parent_run_id,
    v_stored.run_status, v_stored.evidence_type, 'dot_exec_wrapper', v_texts.p_idempotency_key, v_texts.p_input_ref,
    v_texts.p_output_ref, v_texts.p_error_ref, v_evidence, p_actor, v_started_at, v_ended_at, v_now)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    -- The key or the id was taken meanwhile, by a call that this lease does not keep away.
    PERFORM fn_dot_run_already_there(v_run_id, v_texts.p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_stored.evidence_type);
    v_run := fn_dot_run_of_key(v_texts.p_idempotency_key, p_process_candidate_code, p_dot_code, p_correlation_id, v_stored.evidence_type);
    RETURN QUERY SELECT * FROM fn_dot_pair_of_run(v_run);
    RETURN;
  END IF;

  -- PARTS, producer then verifier
  v_producer_id := fn_dot_uuid_v7();
  v_verifier_id := fn_dot_uuid_v7();
  INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, parent_run_id, process_candidate_code,
    correlation_id, dot_code, status, evidence_type, source_system, idempotency_key, input_ref, output_ref, error_ref,
    evidence_ref, actor, started_at, ended_at, created_at)
  VALUES
    (v_producer_id, v_run_id, 'producer', p_parent_run_id, p_process_candidate_code,
     p_correlation_id, p_dot_code, v_stored.component_status, v_stored.evidence_type, 'dot_exec_wrapper',
     v_texts.p_idempotency_key || ':' || p_dot_code, v_texts.p_input_ref, v_texts.p_output_ref, v_texts.p_error_ref,
     v_evidence, p_actor, v_started_at, v_ended_at, v_now),
    (v_verifier_id, v_run_id, 'verifier', p_parent_run_id, p_process_candidate_code,
     p_correlation_id, v_verifier, v_stored.component_status, v_stored.evidence_type, 'dot_exec_wrapper',
     v_texts.p_idempotency_key || ':' || v_verifier, v_texts.p_input_ref, v_texts.p_output_ref, v_texts.p_error_ref,
     v_evidence, p_actor, v_started_at, v_ended_at, v_now)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  IF v_rows <> 2 THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'a component''s key, <key>:<dot_code>, was used for another component');
  END IF;

  -- EVENTS, where the type is active
  v_events := fn_dot_pair_events(v_run_id, v_producer_id, v_verifier_id, p_correlation_id, p_dot_code, v_verifier,
    v_stored.run_status, v_stored.component_status, v_stored.evidence_type, v_texts.p_input_ref, v_texts.p_output_ref);
  PERFORM fn_dot_rollup_pair(p_process_candidate_code, v_run_id, p_dot_code);

  -- RELEASE: given back when it was taken; the row lock goes with this transaction.
  RETURN QUERY VALUES (v_run_id, v_producer_id, v_verifier_id, v_stored.run_status, v_stored.evidence_type, true, v_events,
    v_texts.p_output_ref, v_texts.p_error_ref);
END;
$$;
