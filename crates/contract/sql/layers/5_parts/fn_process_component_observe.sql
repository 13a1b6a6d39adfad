-- PARTS: one row a component, producer or verifier, of a run that was observed before.
-- Order: validate → key → receipt, or gates and preflight → lease → write → look whether the run was concluded meanwhile.
--
-- The call of an executed run that plainly is in order takes a short path first: two statements find everything as it has to be,
-- behind the same locks. Where anything is not, the long path looks again, and says what it is.
CREATE OR REPLACE FUNCTION fn_process_component_observe(
  p_process_run_id uuid, p_dot_code text, p_component_role text, p_correlation_id text, p_actor text,
  p_evidence_type text DEFAULT 'SIMULATED_DRY_RUN', p_status text DEFAULT 'observed', p_idempotency_key text DEFAULT NULL,
  p_component_run_id uuid DEFAULT NULL, p_parent_run_id uuid DEFAULT NULL, p_event_code text DEFAULT NULL, p_queue_job_id uuid DEFAULT NULL,
  p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}',
  p_source_system text DEFAULT 'dot_exec_wrapper', p_started_at timestamptz DEFAULT NULL, p_ended_at timestamptz DEFAULT NULL,
  p_invocation_id uuid DEFAULT NULL, p_verdict text DEFAULT NULL, p_lease_token uuid DEFAULT NULL, p_output_digest text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_texts        record;
  v_source       text := coalesce(nullif(btrim(p_source_system, fn_dot_whitespace()), ''), 'dot_exec_wrapper');
  v_run          process_run_observation;
  v_component_id uuid;
  v_posture      text;
  v_is_derived_key boolean;
  v_lease_name   text;
  v_candidate    text;
  v_producer     text;
  v_header_type  text;
  v_other_type   text;
  v_is_any_event_active boolean;
  v_now          timestamptz;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- What is acknowledged survives a crash, whatever the server or the session thinks of waiting for the disk.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- THE SHORT PATH
  IF p_invocation_id IS NOT NULL AND p_lease_token IS NOT NULL AND p_idempotency_key IS NULL
     AND p_parent_run_id IS NULL AND p_event_code IS NULL AND p_queue_job_id IS NULL
     AND p_status = 'step_completed' AND p_evidence_type IN ('DRY_RUN', 'REAL_RUN', 'SIMULATED_DRY_RUN') AND p_source_system = 'dot_exec_wrapper'
     AND (p_component_role = 'producer' AND p_verdict IS NULL
          OR p_component_role = 'verifier' AND (p_verdict IS NULL OR p_verdict IN ('pass', 'fail', 'error')))
     AND p_actor ~ '[!-~]' AND length(p_actor) <= 200 AND length(concat(p_input_ref, p_output_ref, p_error_ref)) <= 2000
     AND (p_input_ref IS NULL OR p_input_ref ~ '[!-~]') AND (p_output_ref IS NULL OR p_output_ref ~ '[!-~]')
     AND p_error_ref IS NULL AND (p_output_digest IS NULL OR length(p_output_digest) <= 200 AND p_output_digest ~ '[!-~]')
     AND jsonb_typeof(p_evidence_ref) = 'object' AND octet_length(p_evidence_ref::text) <= 65536
     AND (p_started_at IS NULL OR p_started_at BETWEEN '1900-01-01' AND '9000-01-01')
     AND (p_ended_at IS NULL OR p_ended_at BETWEEN '1900-01-01' AND '9000-01-01')
     AND current_setting('transaction_isolation') = 'read committed' THEN
    SELECT r.lease_name, r.process_candidate_code, r.dot_code, r.evidence_type INTO v_lease_name, v_candidate, v_producer, v_header_type
    FROM process_run_observation r JOIN dot_tools t ON t.dot_code = p_dot_code
    WHERE r.process_run_id = p_process_run_id AND r.correlation_id = p_correlation_id AND r.lease_token = p_lease_token
      AND r.evidence_type IN ('DRY_RUN', 'REAL_RUN')
      AND t.pair_role = p_component_role AND r.dot_code = CASE p_component_role WHEN 'producer' THEN t.dot_code ELSE t.paired_dot END
    FOR NO KEY UPDATE OF r;
    -- Header, then lease, whose key is fn_dot_lease_lock_key's; and a statement that begins after both.
    IF FOUND AND pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' lease ' || v_lease_name, 0)) THEN
      SELECT gates.posture, other.evidence_type, EXISTS (SELECT FROM event_type_registry e WHERE e.active)
      INTO v_posture, v_other_type, v_is_any_event_active
      FROM dot_invocation i CROSS JOIN dot_iu_runtime_lease l CROSS JOIN v_dot_posture gates
      LEFT JOIN process_component_observation other ON other.process_run_id = p_process_run_id AND other.component_role <> p_component_role
      WHERE i.invocation_id = p_invocation_id AND i.process_run_id = p_process_run_id AND i.dot_code = p_dot_code
        AND i.component_role = p_component_role AND p_evidence_type IN (i.mode, 'SIMULATED_DRY_RUN')
        AND p_evidence_type IN (v_header_type, 'SIMULATED_DRY_RUN')
        AND i.recorded_by = session_user AND i.begun_xid <> pg_current_xact_id()
        AND (p_verdict IS DISTINCT FROM 'pass' OR i.input_digest IS NOT NULL)
        -- No gate was changed since it was written: fn_dot_receipt_is_void need not be asked.
        AND NOT EXISTS (SELECT FROM dot_config_history h WHERE h.change_xid >= pg_snapshot_xmin(i.begun_snapshot)) AND i.begun_snapshot IS NOT NULL
        AND NOT EXISTS (SELECT FROM process_component_observation c WHERE c.invocation_id = p_invocation_id)
        AND NOT EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = p_process_run_id)
        AND l.lease_name = v_lease_name AND l.lease_token = p_lease_token AND l.released_at IS NULL AND l.expires_at > clock_timestamp();
      IF FOUND THEN
        v_now := clock_timestamp();
        v_component_id := coalesce(p_component_run_id, fn_dot_uuid_v7());
        INSERT INTO process_component_observation (component_run_id, process_run_id, component_role,
          process_candidate_code, correlation_id, dot_code, invocation_id, status, evidence_type, verdict,
          output_digest, source_system, input_ref, output_ref, evidence_ref, actor, started_at, ended_at)
        VALUES (v_component_id, p_process_run_id, p_component_role,
          v_candidate, p_correlation_id, p_dot_code, p_invocation_id, p_status, p_evidence_type, p_verdict,
          p_output_digest, 'dot_exec_wrapper', p_input_ref, p_output_ref,
          (p_evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', p_actor, 'posture', v_posture),
          p_actor, p_started_at, p_ended_at)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
          RETURN fn_dot_component_already_there(v_component_id, NULL, p_process_run_id, p_dot_code, p_component_role, p_correlation_id, p_evidence_type);
        END IF;
        IF v_is_any_event_active THEN
          PERFORM fn_dot_event_emit(fn_dot_event_type_of(p_status, true), p_process_run_id, v_component_id, p_correlation_id, p_dot_code,
            p_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref);
        END IF;
        -- As fn_dot_rollup_component, which opens a slot where all are held. A run counts once under each type that its parts bear.
        UPDATE process_observation_rollup r
        SET component_count = r.component_count + 1,
            real_run_count  = r.real_run_count  + (p_evidence_type = 'REAL_RUN' AND v_other_type IS DISTINCT FROM 'REAL_RUN')::integer,
            dry_run_count   = r.dry_run_count   + (p_evidence_type = 'DRY_RUN' AND v_other_type IS DISTINCT FROM 'DRY_RUN')::integer,
            simulated_count = r.simulated_count + (p_evidence_type = 'SIMULATED_DRY_RUN' AND v_other_type IS DISTINCT FROM 'SIMULATED_DRY_RUN')::integer,
            last_observed_at = v_now,
            producer_observed_at   = CASE p_component_role WHEN 'producer' THEN v_now ELSE r.producer_observed_at END,
            producer_evidence_type = CASE p_component_role WHEN 'producer' THEN p_evidence_type ELSE r.producer_evidence_type END,
            producer_run_id        = CASE p_component_role WHEN 'producer' THEN p_process_run_id ELSE r.producer_run_id END,
            producer_best          = CASE p_component_role WHEN 'producer' THEN greatest(r.producer_best, best.rank) ELSE r.producer_best END,
            verifier_best          = CASE p_component_role WHEN 'producer' THEN r.verifier_best ELSE greatest(r.verifier_best, best.rank) END,
            verifier_dot_code      = CASE p_component_role WHEN 'producer' THEN r.verifier_dot_code ELSE p_dot_code END,
            verifier_observed_at   = CASE p_component_role WHEN 'producer' THEN r.verifier_observed_at ELSE v_now END,
            verifier_evidence_type = CASE p_component_role WHEN 'producer' THEN r.verifier_evidence_type ELSE p_evidence_type END,
            verifier_run_id        = CASE p_component_role WHEN 'producer' THEN r.verifier_run_id ELSE p_process_run_id END
        FROM (VALUES (CASE p_evidence_type WHEN 'REAL_RUN' THEN 3 WHEN 'DRY_RUN' THEN 2 ELSE 1 END::smallint)) best (rank)
        WHERE r.process_candidate_code = v_candidate AND r.dot_code = v_producer AND r.slot = (
          SELECT s.slot FROM process_observation_rollup s
          WHERE s.process_candidate_code = v_candidate AND s.dot_code = v_producer AND s.slot NOT LIKE 'pair %'
            AND (p_component_role = 'producer' OR s.verifier_dot_code IS NULL OR s.verifier_dot_code = p_dot_code)
          LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF NOT FOUND THEN
          PERFORM fn_dot_rollup_component(v_candidate, p_process_run_id, p_dot_code, p_component_role, p_evidence_type);
        END IF;
        RETURN v_component_id;
      END IF;
    END IF;
  END IF;

  -- THE LONG PATH
  p_verdict := nullif(btrim(p_verdict, fn_dot_whitespace()), '');
  -- The candidate is the header's; what is passed for it here only fills its place in the common check.
  -- A key that is derived from the header's, as the pair derives it, may be longer by the DOT's code.
  v_is_derived_key := length(p_idempotency_key) > 500 AND EXISTS (SELECT FROM process_run_observation r
    WHERE r.process_run_id = p_process_run_id AND p_idempotency_key = r.idempotency_key || ':' || p_dot_code);
  v_texts := fn_dot_check_texts(p_actor, p_correlation_id, 'of the header', p_evidence_ref,
    CASE WHEN v_is_derived_key THEN NULL ELSE p_idempotency_key END, p_input_ref, p_output_ref, p_error_ref);
  IF octet_length(p_idempotency_key) > 2500 THEN
    PERFORM fn_dot_refuse('text_too_long', 'the idempotency key has more than 2500 bytes');
  ELSIF v_is_derived_key THEN
    v_texts.p_idempotency_key := p_idempotency_key;
  END IF;
  PERFORM fn_dot_check_choice(p_evidence_type, p_status);
  PERFORM fn_dot_refuse_long_text(200, jsonb_build_object('dot_code', p_dot_code, 'source_system', v_source,
    'event_code', p_event_code, 'output_digest', p_output_digest));
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
    -- Anything else beside it would lift an asserted run above what was asserted.
    PERFORM fn_dot_refuse('backfill_only', 'the run was backfilled: nothing else is added to it');
  END IF;
  PERFORM fn_dot_check_role(p_dot_code, p_component_role, v_run);

  IF v_texts.p_idempotency_key IS NOT NULL THEN
    v_component_id := fn_dot_component_of_key(v_texts.p_idempotency_key, p_process_run_id, p_dot_code, p_component_role, p_correlation_id, p_evidence_type);
    IF v_component_id IS NOT NULL THEN
      RETURN v_component_id;
    END IF;
  END IF;

  v_posture := fn_process_dot_posture();
  IF p_invocation_id IS NULL THEN
    PERFORM fn_dot_check_evidence_gate(p_evidence_type, v_posture);
    IF p_evidence_type IN ('DRY_RUN', 'REAL_RUN') OR p_verdict IS NOT NULL THEN
      PERFORM fn_dot_refuse('invocation_required', format('%s needs the receipt of a call',
        CASE WHEN p_verdict IS NULL THEN 'a ' || p_evidence_type || ' component' ELSE 'a verdict' END));
    END IF;
    -- Not where there is a receipt: the call has happened, behind a preflight that passed, and is recorded whatever came since.
    PERFORM fn_assert_safe_for_dot_action();
  END IF;

  -- Locked so that producer and verifier of one run see each other (the rollup counts runs, not rows). It also keeps the
  -- run from being concluded while this transaction is under way.
  PERFORM FROM process_run_observation r WHERE r.process_run_id = p_process_run_id FOR NO KEY UPDATE;
  PERFORM fn_dot_check_other_part_is_seen(v_run, p_component_role);
  IF v_run.dot_code IS NULL THEN
    -- Which pair's run it is may have been said while this waited.
    PERFORM fn_dot_check_role(p_dot_code, p_component_role, v_run);
  END IF;
  IF p_invocation_id IS NOT NULL THEN
    PERFORM fn_dot_check_receipt(p_invocation_id, v_run, p_dot_code, p_component_role, p_evidence_type);
    PERFORM fn_dot_check_verdict(p_verdict, p_status, p_invocation_id);
  END IF;
  PERFORM fn_dot_check_run_lease(v_run, p_lease_token);

  v_component_id := coalesce(p_component_run_id, fn_dot_uuid_v7());
  INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, parent_run_id,
    process_candidate_code, correlation_id, dot_code, event_code, queue_job_id, invocation_id, status, evidence_type, verdict,
    output_digest, source_system, idempotency_key, input_ref, output_ref, error_ref, evidence_ref, actor, started_at, ended_at)
  VALUES (v_component_id, p_process_run_id, p_component_role, p_parent_run_id,
    v_run.process_candidate_code, p_correlation_id, p_dot_code, fn_dot_text_or_null(p_event_code), p_queue_job_id, p_invocation_id, p_status, p_evidence_type, p_verdict,
    fn_dot_text_or_null(p_output_digest), v_source, v_texts.p_idempotency_key, v_texts.p_input_ref, v_texts.p_output_ref, v_texts.p_error_ref,
    fn_dot_evidence_tags(p_evidence_ref, p_actor, v_posture, p_invocation_id IS NOT NULL), p_actor, p_started_at, p_ended_at)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN fn_dot_component_already_there(v_component_id, v_texts.p_idempotency_key, p_process_run_id, p_dot_code, p_component_role, p_correlation_id, p_evidence_type);
  END IF;
  PERFORM fn_dot_check_not_concluded(v_run);

  PERFORM fn_dot_event_emit(fn_dot_event_type_of(p_status, true), p_process_run_id, v_component_id, p_correlation_id, p_dot_code,
    p_status, p_evidence_type, v_source, v_texts.p_input_ref, v_texts.p_output_ref);
  PERFORM fn_dot_rollup_component(v_run.process_candidate_code, p_process_run_id, p_dot_code, p_component_role, p_evidence_type);
  RETURN v_component_id;
END;
$$;
