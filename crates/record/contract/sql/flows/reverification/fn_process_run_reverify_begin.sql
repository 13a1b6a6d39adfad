-- Begins a run that verifies the output of an earlier run again: gates, preflight, lease, header with status 'started',
-- and the verifier's receipt, which bears the digest that the earlier run's producer committed. No caller chooses it.
--   Order: validate → gates → contract → preflight → lease → gates' lock → header → receipt, as fn_process_run_begin.
--
-- The run is a DRY_RUN without a producer, so that no rung of the ladder counts it: each asks for a producer's
-- component.
-- p_contract_sha256: the digest of the contract that the caller will call by; the call is refused where it is not the
-- contract of now. p_holder_process: the caller's process, for programs on its machine (fn_dot_lease_holder_ended).
CREATE OR REPLACE FUNCTION fn_process_run_reverify_begin(
  p_reverifies uuid, p_correlation_id text, p_actor text, p_runner text, p_process_run_id uuid DEFAULT NULL,
  p_evidence_ref jsonb DEFAULT '{}', p_lease_ttl_seconds integer DEFAULT 60,
  p_contract_sha256 text DEFAULT NULL, p_holder_process text DEFAULT NULL)
RETURNS TABLE (process_run_id uuid, lease_token uuid, verifier_invocation_id uuid, dot_code text,
  verifier_dot_code text, contract_mode text, lease_name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_earlier    record;
  v_verifier   text;
  v_pair_role  text;
  v_contract   record;
  v_posture    text;
  v_gates      record;
  v_lease_name text;
  v_token      uuid := gen_random_uuid();
  v_digest     uuid := fn_dot_token_digest(v_token);
  v_run_id     uuid := coalesce(p_process_run_id, fn_dot_uuid_v7());
  v_is_new     boolean;
  v_now        timestamptz;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- VALIDATE
  SELECT r.dot_code, r.process_candidate_code, r.input_ref, r.reverifies, p.output_digest, x.status INTO v_earlier
  FROM process_run_observation r
  LEFT JOIN process_run_conclusion x ON x.process_run_id = r.process_run_id
  LEFT JOIN process_component_observation p ON p.process_run_id = r.process_run_id AND p.component_role = 'producer'
    AND p.status = 'step_completed' AND p.evidence_type IN ('DRY_RUN', 'REAL_RUN') AND p.invocation_id IS NOT NULL
  WHERE r.process_run_id = p_reverifies;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('run_unknown', format('there is no run %s', coalesce(p_reverifies::text, 'null')));
  ELSIF v_earlier.status IS NULL OR v_earlier.output_digest IS NULL THEN
    PERFORM fn_dot_refuse('no_output', format('the run %s %s: there is nothing to verify again', p_reverifies,
        CASE WHEN v_earlier.reverifies IS NOT NULL THEN 'verified another run''s output'
          WHEN v_earlier.status IS NULL THEN 'is not concluded' ELSE 'committed no output' END),
      jsonb_build_object('process_run_id', p_reverifies));
  END IF;
  IF v_run_id = p_reverifies THEN
    PERFORM fn_dot_refuse('id_in_use', format('there is a run %s already', v_run_id),
      jsonb_build_object('process_run_id', v_run_id));
  END IF;
  PERFORM fn_dot_check_texts(p_actor, p_correlation_id, v_earlier.process_candidate_code, p_evidence_ref, NULL, NULL,
    NULL, NULL);
  PERFORM fn_dot_lease_check_arguments('dot_exec', p_runner, p_lease_ttl_seconds);
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('holder_process', p_holder_process));
  SELECT t.paired_dot, t.pair_role INTO v_verifier, v_pair_role FROM dot_tools t WHERE t.dot_code = v_earlier.dot_code;
  IF v_pair_role IS DISTINCT FROM 'producer' THEN
    PERFORM fn_dot_refuse_pair(v_earlier.dot_code);
  END IF;

  -- GATE 1, CONTRACT, GATE 2
  SELECT g.posture INTO v_posture FROM v_dot_posture g;
  PERFORM fn_dot_check_evidence_gate('DRY_RUN', v_posture);
  v_contract := fn_dot_reverification_contract(v_verifier, v_earlier.process_candidate_code);
  PERFORM fn_assert_safe_for_dot_action();

  -- LEASE. That of a run with the same candidate and input.
  v_lease_name := fn_dot_lease_name(v_earlier.dot_code, v_earlier.process_candidate_code, v_earlier.input_ref);
  IF v_lease_name = fn_dot_lease_name(v_earlier.dot_code) THEN
    PERFORM fn_dot_lease_wait(v_lease_name);
  ELSE
    PERFORM fn_dot_lease_wait_scoped(v_earlier.dot_code, v_lease_name);
  END IF;
  PERFORM fn_dot_check_pair_is_current(v_earlier.dot_code, v_verifier, true);
  IF EXISTS (SELECT FROM dot_iu_runtime_lease l WHERE l.lease_name = fn_dot_lease_name(v_verifier)
             AND l.process_run_id IS NOT NULL AND l.released_at IS NULL AND l.expires_at > clock_timestamp()) THEN
    -- The pair's roles were swapped during a run. One pair has one open run at a time.
    PERFORM fn_dot_lease_refuse(fn_dot_lease_name(v_verifier));
  ELSIF NOT fn_dot_lease_take(v_lease_name, p_runner, v_digest, p_lease_ttl_seconds, false) THEN
    PERFORM fn_dot_lease_refuse(v_lease_name);
  END IF;
  UPDATE dot_iu_runtime_lease l SET process_run_id = v_run_id, holder_process = p_holder_process
  WHERE l.lease_name = v_lease_name;
  -- Again, after the waits.
  v_contract := fn_dot_reverification_contract(v_verifier, v_earlier.process_candidate_code);
  IF v_contract.sha256 <> p_contract_sha256 THEN
    PERFORM fn_dot_refuse_changed_contract(v_earlier.dot_code, v_contract.mode);
  END IF;

  v_gates := fn_dot_gates_for_receipt('DRY_RUN');

  -- HEADER
  v_now := clock_timestamp();
  BEGIN
    INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status,
      evidence_type, source_system, lease_name, lease_token, input_ref, evidence_ref, actor, started_at, created_at,
      reverifies)
    VALUES (v_run_id, v_earlier.dot_code, v_earlier.process_candidate_code, p_correlation_id, 'started', 'DRY_RUN',
      'dot_exec_wrapper', v_lease_name, v_digest, v_earlier.input_ref,
      fn_dot_evidence_tags(p_evidence_ref, p_actor, v_gates.posture, true), p_actor, v_now, v_now, p_reverifies)
    ON CONFLICT DO NOTHING;
    v_is_new := FOUND;
  EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM fn_dot_refuse_busy_twin();
  END;
  IF NOT v_is_new THEN
    PERFORM fn_dot_refuse('id_in_use', format('there is a run %s already', v_run_id),
      jsonb_build_object('process_run_id', v_run_id));
  END IF;

  -- RECEIPT
  verifier_invocation_id := fn_dot_receipt_write(v_run_id, v_verifier, 'verifier', 'DRY_RUN', v_gates.posture,
    v_gates.change_number, v_contract.endpoint_ref, v_earlier.output_digest, p_runner, v_contract.mode,
    v_contract.sha256);
  PERFORM fn_dot_event_emit(fn_dot_event_type_for('started', false), v_run_id, NULL, p_correlation_id,
    v_earlier.dot_code, 'started', 'DRY_RUN', 'dot_exec_wrapper', v_earlier.input_ref, NULL);
  process_run_id := v_run_id; lease_token := v_token; dot_code := v_earlier.dot_code;
  verifier_dot_code := v_verifier; contract_mode := v_contract.mode; lease_name := v_lease_name;
  RETURN NEXT;
END;
$$;
