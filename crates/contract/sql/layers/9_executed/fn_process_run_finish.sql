-- The last of an executed run's transactions: what its last call came to, and the conclusion. Both or neither. p_run_dot_code is
-- the producer, whose lease the run holds; p_dot_code is whoever was called last: the verifier, or the producer where it failed.
--
-- It is fn_process_component_observe and fn_process_run_conclude in one. As in fn_process_run_hand_over, a verifier that did its
-- work takes one statement and three writes; where anything is not plainly in order, the two functions say what it is.
CREATE OR REPLACE FUNCTION fn_process_run_finish(
  p_process_run_id uuid, p_run_dot_code text, p_dot_code text, p_component_role text, p_correlation_id text, p_actor text,
  p_evidence_type text, p_status text, p_invocation_id uuid, p_lease_token uuid, p_run_status text, p_component_run_id uuid DEFAULT NULL,
  p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}',
  p_started_at timestamptz DEFAULT NULL, p_ended_at timestamptz DEFAULT NULL, p_verdict text DEFAULT NULL, p_output_digest text DEFAULT NULL,
  p_run_output_ref text DEFAULT NULL, p_run_error_ref text DEFAULT NULL, p_run_evidence_ref jsonb DEFAULT '{}')
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_found record;
  v_now   timestamptz;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- What is acknowledged survives a crash, whatever the server or the session thinks of waiting for the disk.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- The lease's lock (the key is fn_dot_lease_lock_key's), and a statement that begins after it.
  IF p_component_role = 'verifier' AND p_status = 'step_completed' AND p_run_status = 'completed' AND p_verdict IN ('pass', 'fail', 'error')
     AND p_error_ref IS NULL AND p_run_error_ref IS NULL AND p_component_run_id IS NOT NULL
     AND ascii(p_actor) BETWEEN 33 AND 126 AND length(p_actor) <= 200
     AND length(concat(p_input_ref, p_output_ref, p_run_output_ref)) <= 2000 AND (p_input_ref IS NULL OR ascii(p_input_ref) BETWEEN 33 AND 126)
     AND (p_output_ref IS NULL OR ascii(p_output_ref) BETWEEN 33 AND 126) AND (p_run_output_ref IS NULL OR ascii(p_run_output_ref) BETWEEN 33 AND 126)
     AND (p_output_digest IS NULL OR length(p_output_digest) <= 200 AND ascii(p_output_digest) BETWEEN 33 AND 126)
     AND jsonb_typeof(p_evidence_ref) = 'object' AND octet_length(p_evidence_ref::text) <= 65536
     AND jsonb_typeof(p_run_evidence_ref) = 'object' AND octet_length(p_run_evidence_ref::text) <= 65536
     AND (p_started_at IS NULL OR p_started_at BETWEEN '1900-01-01' AND '9000-01-01')
     AND (p_ended_at IS NULL OR p_ended_at BETWEEN '1900-01-01' AND '9000-01-01')
     AND current_setting('transaction_isolation') = 'read committed'
     AND pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' lease dot_exec:' || p_run_dot_code, 0)) THEN
    SELECT r.process_candidate_code, r.evidence_type AS mode, r.actor, r.source_system, r.input_ref, producer.evidence_type AS producer_type, gates.posture,
      EXISTS (SELECT FROM event_type_registry e WHERE e.active) AS is_any_event_active
    INTO v_found
    FROM dot_iu_runtime_lease l CROSS JOIN process_run_observation r CROSS JOIN process_component_observation producer
    CROSS JOIN dot_invocation i CROSS JOIN dot_tools t CROSS JOIN v_dot_posture gates
    -- A lease that is bound to the run says that it is not concluded.
    WHERE l.lease_name = 'dot_exec:' || p_run_dot_code AND l.process_run_id = p_process_run_id AND l.lease_token = p_lease_token
      AND l.released_at IS NULL AND l.expires_at > clock_timestamp()
      AND r.process_run_id = p_process_run_id AND r.correlation_id = p_correlation_id AND r.dot_code = p_run_dot_code AND r.lease_token = p_lease_token
      AND p_evidence_type IN (r.evidence_type, 'SIMULATED_DRY_RUN')
      -- The producer did its work under its receipt, so that no call is open but this one.
      AND producer.process_run_id = p_process_run_id AND producer.component_role = 'producer' AND producer.invocation_id IS NOT NULL
      AND producer.status NOT IN ('failed', 'cancelled', 'stuck', 'orphan')
      -- The call's receipt, of another transaction, which no change of a gate came after: it is not void.
      AND i.invocation_id = p_invocation_id AND i.process_run_id = p_process_run_id AND i.dot_code = p_dot_code AND i.component_role = 'verifier'
      AND i.mode = r.evidence_type AND i.recorded_by = session_user AND i.begun_xid <> pg_current_xact_id() AND i.begun_snapshot IS NOT NULL
      AND NOT EXISTS (SELECT FROM dot_config_history h WHERE h.change_xid >= pg_snapshot_xmin(i.begun_snapshot))
      AND (p_verdict <> 'pass' OR i.input_digest IS NOT NULL)
      AND t.dot_code = p_dot_code AND t.paired_dot = p_run_dot_code AND t.pair_role = 'verifier';
    IF FOUND THEN
      INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
        correlation_id, dot_code, invocation_id, status, evidence_type, verdict, output_digest, source_system, input_ref, output_ref,
        evidence_ref, actor, started_at, ended_at)
      VALUES (p_component_run_id, p_process_run_id, 'verifier', v_found.process_candidate_code,
        p_correlation_id, p_dot_code, p_invocation_id, p_status, p_evidence_type, p_verdict, p_output_digest, 'dot_exec_wrapper', p_input_ref, p_output_ref,
        -- As fn_dot_evidence_tags.
        (p_evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', p_actor, 'posture', v_found.posture),
        p_actor, p_started_at, p_ended_at)
      ON CONFLICT DO NOTHING;
      IF FOUND THEN
        -- Nothing of a run is later than its conclusion.
        v_now := clock_timestamp();
        -- From here on as fn_dot_conclusion_write, but that the lease counts a run whose two parts bear one type, as it counts pairs.
        INSERT INTO process_run_conclusion (process_run_id, status, verdict, output_ref, evidence_ref, concluded_by, concluded_at)
        VALUES (p_process_run_id, p_run_status, p_verdict, p_run_output_ref,
          (p_run_evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', v_found.actor, 'posture', v_found.posture),
          p_actor, v_now);
        IF v_found.is_any_event_active THEN
          PERFORM fn_dot_event_emit(fn_dot_event_type_of(p_status, true), p_process_run_id, p_component_run_id, p_correlation_id, p_dot_code,
            p_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref);
          PERFORM fn_dot_event_emit(fn_dot_event_type_of(p_run_status, false), p_process_run_id, NULL, p_correlation_id, p_run_dot_code, p_run_status,
            v_found.mode, v_found.source_system, v_found.input_ref, p_run_output_ref);
        END IF;
        UPDATE dot_iu_runtime_lease l
        SET released_at = v_now, process_run_id = NULL,
            observed_runs = l.observed_runs + 1, observed_at = v_now, observed_run_id = p_process_run_id
        WHERE l.lease_name = 'dot_exec:' || p_run_dot_code AND l.observed_candidate = v_found.process_candidate_code
          AND l.observed_verifier = p_dot_code AND l.observed_type = p_evidence_type AND v_found.producer_type = p_evidence_type;
        IF NOT FOUND THEN
          IF v_found.producer_type = p_evidence_type THEN
            PERFORM fn_dot_rollup_lease('dot_exec:' || p_run_dot_code, v_found.process_candidate_code, p_dot_code, p_evidence_type, p_process_run_id, v_now);
          ELSE
            PERFORM fn_dot_rollup_run(r) FROM process_run_observation r WHERE r.process_run_id = p_process_run_id;
          END IF;
          UPDATE dot_iu_runtime_lease l SET released_at = v_now, process_run_id = NULL WHERE l.lease_name = 'dot_exec:' || p_run_dot_code;
        END IF;
        RETURN p_process_run_id;
      END IF;
    END IF;
  END IF;

  PERFORM fn_process_component_observe(p_process_run_id, p_dot_code, p_component_role, p_correlation_id, p_actor, p_evidence_type, p_status,
    p_component_run_id => p_component_run_id, p_input_ref => p_input_ref, p_output_ref => p_output_ref, p_error_ref => p_error_ref,
    p_evidence_ref => p_evidence_ref, p_started_at => p_started_at, p_ended_at => p_ended_at, p_invocation_id => p_invocation_id,
    p_verdict => p_verdict, p_lease_token => p_lease_token, p_output_digest => p_output_digest);
  RETURN fn_process_run_conclude(p_process_run_id, p_lease_token, p_actor, p_run_status, NULL, p_run_output_ref, p_run_error_ref, p_run_evidence_ref);
END;
$$;
