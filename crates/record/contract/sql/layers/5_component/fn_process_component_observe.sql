-- COMPONENT: one row per component, producer or verifier, of a run that was observed before.
--   Order: validate → key → receipt, or gates and preflight → lease → write → check that the run is not concluded.
CREATE OR REPLACE FUNCTION fn_process_component_observe(
  p_process_run_id uuid, p_dot_code text, p_component_role text, p_correlation_id text, p_actor text,
  p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN', p_status text DEFAULT 'observed',
  p_idempotency_key text DEFAULT NULL, p_component_run_id uuid DEFAULT NULL, p_parent_run_id uuid DEFAULT NULL,
  p_event_code text DEFAULT NULL, p_queue_job_id uuid DEFAULT NULL, p_input_ref text DEFAULT NULL,
  p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}',
  p_source_system text DEFAULT 'dot_exec_wrapper', p_started_at timestamptz DEFAULT NULL,
  p_ended_at timestamptz DEFAULT NULL, p_invocation_id uuid DEFAULT NULL, p_verdict text DEFAULT NULL,
  p_lease_token uuid DEFAULT NULL, p_output_digest text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_texts        record;
  v_source       text := coalesce(nullif(btrim(p_source_system, fn_dot_whitespace()), ''), 'dot_exec_wrapper');
  v_run          process_run_observation;
  v_component_id uuid;
  v_posture      text;
  v_is_derived_key boolean;
  v_is_new       boolean;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  p_verdict := nullif(btrim(p_verdict, fn_dot_whitespace()), '');
  -- The candidate is the header's; the value passed here only fills the argument of the shared check. A key that is
  -- derived from the header's key may be longer by the DOT's code.
  v_is_derived_key := p_idempotency_key IS NOT NULL AND EXISTS (SELECT FROM process_run_observation r
    WHERE r.process_run_id = p_process_run_id AND p_idempotency_key = r.idempotency_key || ':' || p_dot_code);
  v_texts := fn_dot_check_texts(p_actor, p_correlation_id, 'of the header', p_evidence_ref,
    CASE WHEN v_is_derived_key THEN NULL ELSE p_idempotency_key END, p_input_ref, p_output_ref, p_error_ref);
  IF octet_length(p_idempotency_key) > 2500 THEN
    PERFORM fn_dot_refuse('text_too_long', 'the idempotency key has more than 2500 bytes');
  ELSIF v_is_derived_key THEN
    v_texts.p_idempotency_key := p_idempotency_key;
  ELSIF v_texts.p_idempotency_key IS NOT NULL THEN
    PERFORM fn_dot_check_component_key(v_texts.p_idempotency_key);
  END IF;
  PERFORM fn_dot_check_enum(p_evidence_type, p_status);
  IF concat(p_dot_code, v_source, p_event_code) !~ '^[!-~]{0,200}$' COLLATE "C" THEN
    PERFORM fn_dot_check_text_length(200, jsonb_build_object('dot_code', p_dot_code, 'source_system', v_source,
      'event_code', p_event_code));
  END IF;
  p_output_digest := fn_dot_check_digest('output_digest', p_output_digest);
  IF p_component_role IS NULL OR p_component_role NOT IN ('producer', 'verifier') THEN
    PERFORM fn_dot_refuse('role_invalid', format('there is no component role %L', left(p_component_role, 100)));
  ELSIF p_verdict NOT IN ('pass', 'fail', 'error') THEN
    PERFORM fn_dot_refuse('verdict_invalid', format('there is no verdict %L', left(p_verdict, 100)));
  ELSIF p_verdict IS NOT NULL AND p_component_role = 'producer' THEN
    PERFORM fn_dot_refuse('verdict_invalid', 'a verdict is what the verifier says');
  END IF;

  PERFORM fn_dot_check_times(p_started_at, p_ended_at);

  SELECT * INTO v_run FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('run_unknown', format('there is no run %s', coalesce(p_process_run_id::text, 'null')));
  ELSIF v_run.correlation_id <> p_correlation_id THEN
    PERFORM fn_dot_refuse('correlation_mismatch', 'the correlation id is not the one of the run''s header',
      jsonb_build_object('process_run_id', p_process_run_id, 'expected', v_run.correlation_id));
  ELSIF v_run.evidence_type = 'BACKFILLED_EVIDENCE' THEN
    -- Any other component beside it would raise an asserted run above its assertion.
    PERFORM fn_dot_refuse('backfill_only', 'the run was backfilled: nothing else is added to it');
  END IF;
  PERFORM fn_dot_check_role(p_dot_code, p_component_role, p_process_run_id, v_run.dot_code);
  IF v_run.reverifies IS NOT NULL AND p_component_role = 'producer' THEN
    PERFORM fn_dot_refuse('role_invalid', 'the run verifies an earlier output again: it has no producer',
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;

  IF v_texts.p_idempotency_key IS NOT NULL THEN
    v_component_id := fn_dot_component_by_key(v_texts.p_idempotency_key, p_process_run_id, p_dot_code, p_component_role,
      p_correlation_id, p_evidence_type);
    IF v_component_id IS NOT NULL THEN
      RETURN v_component_id;
    END IF;
  END IF;

  IF v_run.lease_token IS NULL AND v_run.recorded_by <> session_user AND NOT fn_dot_login_is('operator') THEN
    -- Where there is a lease, its token proves as much.
    PERFORM fn_dot_refuse('login_mismatch', format('the run %s was recorded by another login', p_process_run_id),
      jsonb_build_object('process_run_id', p_process_run_id));
  END IF;

  SELECT g.posture INTO v_posture FROM v_dot_posture g;
  IF p_invocation_id IS NULL THEN
    PERFORM fn_dot_check_evidence_gate(p_evidence_type, v_posture);
    IF p_evidence_type IN ('DRY_RUN', 'REAL_RUN') OR p_verdict IS NOT NULL THEN
      PERFORM fn_dot_refuse('invocation_required', format('%s needs the receipt of a call',
        CASE WHEN p_verdict IS NULL THEN 'a ' || p_evidence_type || ' component' ELSE 'a verdict' END));
    END IF;
    -- Not where there is a receipt: the call happened after a preflight that passed, and is recorded whatever changed
    -- since.
    PERFORM fn_assert_safe_for_dot_action();
  END IF;

  IF p_invocation_id IS NOT NULL THEN
    -- Checks before any lock; the checks that can change are repeated under the locks.
    PERFORM fn_dot_check_receipt(p_invocation_id, p_process_run_id, v_run.evidence_type, v_run.lease_token IS NOT NULL,
      p_dot_code, p_component_role, p_evidence_type);
  END IF;
  -- Lock order: lease, then header, as in every function that takes both. A token that does not hold the lease locks
  -- neither.
  PERFORM fn_dot_check_run_lease(p_process_run_id, v_run.lease_name, v_run.lease_token, p_lease_token);
  -- The lock makes the two components of a run see each other (the rollup counts runs, not rows). It also prevents a
  -- conclusion of the run during this transaction.
  PERFORM fn_dot_header_lock(p_process_run_id);
  PERFORM fn_dot_check_snapshot();
  PERFORM fn_dot_assert_snapshot_covers_component(p_process_run_id,
    CASE p_component_role WHEN 'producer' THEN 'verifier' ELSE 'producer' END);
  IF v_run.dot_code IS NULL THEN
    -- Another transaction may have determined the run's pair while this one waited.
    PERFORM fn_dot_check_role(p_dot_code, p_component_role, p_process_run_id, v_run.dot_code);
  END IF;
  IF p_invocation_id IS NOT NULL THEN
    PERFORM fn_dot_check_receipt_counts(p_invocation_id);
    PERFORM fn_dot_check_verdict(p_verdict, p_status, p_invocation_id);
  END IF;

  v_component_id := coalesce(p_component_run_id, fn_dot_uuid_v7());
  BEGIN
    INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, parent_run_id,
      process_candidate_code, correlation_id, dot_code, event_code, queue_job_id, invocation_id, status, evidence_type,
      verdict, output_digest, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor,
      started_at, ended_at)
    VALUES (v_component_id, p_process_run_id, p_component_role, p_parent_run_id,
      v_run.process_candidate_code, p_correlation_id, p_dot_code, fn_dot_null_if_blank(p_event_code), p_queue_job_id,
      p_invocation_id, p_status, p_evidence_type, p_verdict, p_output_digest, v_source, v_texts.p_idempotency_key,
      v_texts.p_input_ref, v_texts.p_output_ref, v_texts.p_error_ref,
      fn_dot_evidence_tags(p_evidence_ref, p_actor, v_posture, p_invocation_id IS NOT NULL), p_actor, p_started_at,
      p_ended_at)
    ON CONFLICT DO NOTHING;
    v_is_new := FOUND;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse_busy_twin();
  END;
  IF NOT v_is_new THEN
    RETURN fn_dot_component_resolve_conflict(v_component_id, v_texts.p_idempotency_key, p_process_run_id, p_dot_code,
      p_component_role, p_correlation_id, p_evidence_type);
  END IF;
  IF v_run.lease_token IS NOT NULL THEN
    PERFORM fn_dot_check_not_concluded(p_process_run_id);
  END IF;

  PERFORM fn_dot_event_emit(fn_dot_event_type_for(p_status, true), p_process_run_id, v_component_id, p_correlation_id,
    p_dot_code, p_status, p_evidence_type, v_source, v_texts.p_input_ref, v_texts.p_output_ref);
  IF v_run.lease_token IS NULL THEN
    -- An executed run is counted at its conclusion (fn_dot_rollup_run).
    PERFORM fn_dot_rollup_component(v_run.process_candidate_code, p_process_run_id, p_dot_code, p_component_role,
      p_evidence_type);
  END IF;
  RETURN v_component_id;
END;
$$;
