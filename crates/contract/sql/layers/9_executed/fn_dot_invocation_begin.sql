-- The verifier's receipt, before it is called. What it is given to look at is the digest that the producer's own row bears,
-- copied here and chosen by no caller.
--
-- What plainly is in order takes a short path first, behind the same locks; where anything is not, the long path says what.
CREATE OR REPLACE FUNCTION fn_dot_invocation_begin(p_process_run_id uuid, p_dot_code text, p_lease_token uuid, p_runner text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_run      process_run_observation;
  v_role     text;
  v_contract dot_agent_api_contract;
  v_producer process_component_observation;
  v_gates    record;
  v_header   record;
  v_facts    record;
  v_id       uuid;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    -- What is acknowledged survives a crash, whatever the server or the session thinks of waiting for the disk.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  -- THE SHORT PATH: header, lease and gates are locked in this order, and a statement that begins after all three looks.
  IF p_runner ~ '[!-~]' AND length(p_runner) <= 200 AND current_setting('transaction_isolation') = 'read committed' THEN
    SELECT r.lease_name, r.evidence_type, c.endpoint_ref INTO v_header
    FROM process_run_observation r JOIN dot_tools t ON t.dot_code = p_dot_code JOIN dot_agent_api_contract c ON c.dot_code = t.dot_code
    WHERE r.process_run_id = p_process_run_id AND r.lease_token = p_lease_token AND t.pair_role = 'verifier' AND r.dot_code = t.paired_dot
      AND c.mode = r.evidence_type AND c.contract_status = 'active' AND (c.candidate_code IS NULL OR c.candidate_code = r.process_candidate_code)
    FOR UPDATE OF r;
    IF FOUND AND pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' lease ' || v_header.lease_name, 0))
       AND pg_try_advisory_xact_lock_shared(hashtextextended('dotwrap gates of ' || current_schema(), 0)) THEN
      SELECT gates.posture, pg_current_snapshot() AS snapshot, producer.output_digest INTO v_facts
      FROM v_dot_posture gates CROSS JOIN dot_iu_runtime_lease l CROSS JOIN process_component_observation producer
      WHERE (gates.posture = 'REAL_RUN' OR gates.posture = 'DRY_RUN_ONLY' AND v_header.evidence_type = 'DRY_RUN')
        AND l.lease_name = v_header.lease_name AND l.lease_token = p_lease_token AND l.released_at IS NULL AND l.expires_at > clock_timestamp()
        AND producer.process_run_id = p_process_run_id AND producer.component_role = 'producer'
        AND producer.status NOT IN ('failed', 'cancelled', 'stuck', 'orphan')
        AND NOT EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = p_process_run_id);
      IF FOUND THEN
        -- A UUIDv7 (fn_dot_uuid_v7).
        v_id := (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16))::uuid;
        INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref, input_digest, runner, begun_snapshot)
        VALUES (v_id, p_process_run_id, p_dot_code, 'verifier', v_header.evidence_type, v_facts.posture, v_header.endpoint_ref,
          v_facts.output_digest, p_runner, v_facts.snapshot)
        ON CONFLICT (process_run_id, component_role) DO NOTHING;
        IF FOUND THEN
          RETURN v_id;
        END IF;
      END IF;
    END IF;
  END IF;

  -- THE LONG PATH
  PERFORM fn_dot_lease_check_arguments('dot_exec', p_runner, 1);
  v_run := fn_dot_run_begun(p_process_run_id);
  SELECT t.pair_role INTO v_role FROM dot_tools t WHERE t.dot_code = p_dot_code;
  PERFORM fn_dot_check_role(p_dot_code, coalesce(v_role, 'producer'), v_run);
  v_contract := fn_dot_contract_of(p_dot_code, v_run.evidence_type, v_run.process_candidate_code);
  PERFORM fn_dot_check_run_lease(v_run, p_lease_token);
  IF v_role = 'verifier' THEN
    SELECT * INTO v_producer FROM process_component_observation c
    WHERE c.process_run_id = p_process_run_id AND c.component_role = 'producer' AND c.status NOT IN ('failed', 'cancelled', 'stuck', 'orphan');
    IF NOT FOUND THEN
      PERFORM fn_dot_refuse('invocation_mismatch', 'there is nothing to verify: the run has no producer that did its work',
        jsonb_build_object('process_run_id', p_process_run_id));
    END IF;
  END IF;
  v_gates := fn_dot_gates_for_receipt(v_run.evidence_type);
  RETURN fn_dot_receipt_write(p_process_run_id, v_contract, v_role, v_run.evidence_type, v_gates.posture, v_gates.snapshot,
    v_producer.output_digest, p_runner);
END;
$$;
