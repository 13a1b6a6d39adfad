-- The second of an executed run's three transactions: what the producer's call came to, and the verifier's receipt, which
-- bears the digest that this very row commits. Both or neither. A caller whose answer was lost asks again, and is told.
--
-- It is fn_process_component_observe and fn_dot_invocation_begin in one. Every run pays for each line: where everything
-- plainly is in order, one statement behind the locks finds it so. Where it finds no row, the two functions are called, and
-- say what is wrong. The statement may only be narrower than they are.
CREATE OR REPLACE FUNCTION fn_process_run_hand_over(
  p_process_run_id uuid, p_dot_code text, p_correlation_id text, p_actor text, p_evidence_type text, p_status text,
  p_invocation_id uuid, p_lease_token uuid, p_verifier_dot_code text, p_runner text, p_component_run_id uuid DEFAULT NULL,
  p_input_ref text DEFAULT NULL, p_output_ref text DEFAULT NULL, p_error_ref text DEFAULT NULL, p_evidence_ref jsonb DEFAULT '{}',
  p_started_at timestamptz DEFAULT NULL, p_ended_at timestamptz DEFAULT NULL, p_output_digest text DEFAULT NULL)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_found      record;
  v_receipt_id uuid;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- What is acknowledged survives a crash, whatever the server or the session thinks of waiting for the disk.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- The lease's lock, then the gates' (the keys are those of fn_dot_lease_lock_key and fn_dot_gate_lock_key), and a statement
  -- that begins after both.
  IF p_status = 'step_completed' AND p_error_ref IS NULL AND p_component_run_id IS NOT NULL
     AND ascii(p_actor) BETWEEN 33 AND 126 AND length(p_actor) <= 200 AND ascii(p_runner) BETWEEN 33 AND 126 AND length(p_runner) <= 200
     AND length(concat(p_input_ref, p_output_ref)) <= 2000 AND (p_input_ref IS NULL OR ascii(p_input_ref) BETWEEN 33 AND 126)
     AND (p_output_ref IS NULL OR ascii(p_output_ref) BETWEEN 33 AND 126)
     AND (p_output_digest IS NULL OR length(p_output_digest) <= 200 AND ascii(p_output_digest) BETWEEN 33 AND 126)
     AND jsonb_typeof(p_evidence_ref) = 'object' AND octet_length(p_evidence_ref::text) <= 65536
     AND (p_started_at IS NULL OR p_started_at BETWEEN '1900-01-01' AND '9000-01-01')
     AND (p_ended_at IS NULL OR p_ended_at BETWEEN '1900-01-01' AND '9000-01-01')
     AND current_setting('transaction_isolation') = 'read committed'
     AND pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' lease dot_exec:' || p_dot_code, 0))
     AND pg_try_advisory_xact_lock_shared(hashtextextended('dotwrap gates of ' || current_schema(), 0)) THEN
    SELECT r.process_candidate_code, r.evidence_type AS mode, k.endpoint_ref, gates.posture, pg_current_snapshot() AS snapshot,
      EXISTS (SELECT FROM event_type_registry e WHERE e.active) AS is_any_event_active
    INTO v_found
    FROM dot_iu_runtime_lease l CROSS JOIN process_run_observation r CROSS JOIN dot_invocation i
    CROSS JOIN dot_tools t CROSS JOIN dot_agent_api_contract k CROSS JOIN v_dot_posture gates
    -- A lease that is bound to the run says that it is not concluded.
    WHERE l.lease_name = 'dot_exec:' || p_dot_code AND l.process_run_id = p_process_run_id AND l.lease_token = p_lease_token
      AND l.released_at IS NULL AND l.expires_at > clock_timestamp()
      AND r.process_run_id = p_process_run_id AND r.correlation_id = p_correlation_id AND r.dot_code = p_dot_code AND r.lease_token = p_lease_token
      AND p_evidence_type IN (r.evidence_type, 'SIMULATED_DRY_RUN')
      -- The call's receipt, of another transaction, which no change of a gate came after: it is not void.
      AND i.invocation_id = p_invocation_id AND i.process_run_id = p_process_run_id AND i.dot_code = p_dot_code AND i.component_role = 'producer'
      AND i.mode = r.evidence_type AND i.recorded_by = session_user AND i.begun_xid <> pg_current_xact_id() AND i.begun_snapshot IS NOT NULL
      AND NOT EXISTS (SELECT FROM dot_config_history h WHERE h.change_xid >= pg_snapshot_xmin(i.begun_snapshot))
      -- The verifier is still the pair's, bound to a contract, and the gates allow to call it.
      AND t.dot_code = p_verifier_dot_code AND t.paired_dot = p_dot_code AND t.pair_role = 'verifier'
      AND k.dot_code = p_verifier_dot_code AND k.mode = r.evidence_type AND k.contract_status = 'active'
      AND (k.candidate_code IS NULL OR k.candidate_code = r.process_candidate_code)
      AND (gates.posture = 'REAL_RUN' OR gates.posture = 'DRY_RUN_ONLY' AND r.evidence_type = 'DRY_RUN');
    IF FOUND THEN
      INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
        correlation_id, dot_code, invocation_id, status, evidence_type, output_digest, source_system, input_ref, output_ref,
        evidence_ref, actor, started_at, ended_at)
      VALUES (p_component_run_id, p_process_run_id, 'producer', v_found.process_candidate_code,
        p_correlation_id, p_dot_code, p_invocation_id, p_status, p_evidence_type, p_output_digest, 'dot_exec_wrapper', p_input_ref, p_output_ref,
        -- As fn_dot_evidence_tags.
        (p_evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', p_actor, 'posture', v_found.posture),
        p_actor, p_started_at, p_ended_at)
      ON CONFLICT DO NOTHING;
      IF FOUND THEN
        -- Without a producer's row there was no receipt for its verifier. A UUIDv7 (fn_dot_uuid_v7).
        v_receipt_id := (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16))::uuid;
        INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref, input_digest, runner, begun_snapshot)
        VALUES (v_receipt_id, p_process_run_id, p_verifier_dot_code, 'verifier', v_found.mode, v_found.posture, v_found.endpoint_ref,
          p_output_digest, p_runner, v_found.snapshot);
        IF v_found.is_any_event_active THEN
          PERFORM fn_dot_event_emit(fn_dot_event_type_of(p_status, true), p_process_run_id, p_component_run_id, p_correlation_id, p_dot_code,
            p_status, p_evidence_type, 'dot_exec_wrapper', p_input_ref, p_output_ref);
        END IF;
        RETURN v_receipt_id;
      END IF;
    END IF;
  END IF;

  v_receipt_id := fn_dot_run_handed_over(p_process_run_id, p_dot_code, p_evidence_type, p_status, p_invocation_id, p_lease_token,
    p_verifier_dot_code, p_runner, p_component_run_id, p_output_digest);
  IF v_receipt_id IS NOT NULL THEN
    RETURN v_receipt_id;
  END IF;
  PERFORM fn_process_component_observe(p_process_run_id, p_dot_code, 'producer', p_correlation_id, p_actor, p_evidence_type, p_status,
    p_component_run_id => p_component_run_id, p_input_ref => p_input_ref, p_output_ref => p_output_ref, p_error_ref => p_error_ref,
    p_evidence_ref => p_evidence_ref, p_started_at => p_started_at, p_ended_at => p_ended_at, p_invocation_id => p_invocation_id,
    p_lease_token => p_lease_token, p_output_digest => p_output_digest);
  RETURN fn_dot_invocation_begin(p_process_run_id, p_verifier_dot_code, p_lease_token, p_runner);
END;
$$;
