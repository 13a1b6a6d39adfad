-- fn_process_run_record_producer for several runs in one transaction: for each run, the outcome of the producer's call,
-- and the verifier's receipt with the digest that this row commits. Writes both or neither. p_calls is a JSON array of
-- objects. Returns one row for each call that was executed, with its position in the array, from 1.
--
-- The members are the arguments of fn_process_component_observe for the producer and of fn_dot_invocation_begin for the
-- verifier, without the prefix p_. Skips calls outside the common case, as fn_process_run_begin_batch does. The client
-- then calls fn_process_run_record_producer, which executes, replays or refuses the call. This statement may be
-- stricter than that function, never more permissive.
CREATE OR REPLACE FUNCTION fn_process_run_record_producer_batch(p_calls jsonb)
RETURNS TABLE (call_number bigint, verifier_invocation_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
-- These settings force index look-ups even if the table was small when the statement was planned (as does OFFSET 0),
-- and one generic plan.
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
-- The single functions wait longer for a row that another transaction is writing.
SET lock_timeout = '20ms' AS $$
#variable_conflict use_column
DECLARE
  c_plain CONSTANT text := '^[!-~]([ -~]*[!-~])?$';
  v_locked bigint[];
  v_numbers bigint[];
  v_receipt_ids uuid[];
  v_now    timestamptz;
  v_is_any_event_active boolean;
  v_cluster_id bigint := fn_dot_cluster_id();
BEGIN
  PERFORM fn_dot_check_batch(p_calls);
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') THEN
    BEGIN
      -- As in fn_process_run_begin_batch, all locks and writes are in this block.
      -- Locks the leases whose tokens the calls present, then the gates. The statement that writes begins after both.
      SELECT ARRAY(
        SELECT c.number
        FROM (SELECT DISTINCT ON (x.dot_code) x.dot_code, x.process_run_id, x.lease_token, x.number
              FROM ROWS FROM (jsonb_to_recordset(p_calls) AS (dot_code text, process_run_id uuid, lease_token uuid))
                WITH ORDINALITY AS x (dot_code, process_run_id, lease_token, number) OFFSET 0) c
        CROSS JOIN LATERAL (
          SELECT FROM dot_iu_runtime_lease l
          WHERE l.lease_name = 'dot_exec:' || c.dot_code AND l.process_run_id = c.process_run_id
            AND l.lease_token = encode(substring(sha256(uuid_send(c.lease_token)) FROM 1 FOR 16), 'hex')::uuid
            AND l.holder_login = session_user
          FOR NO KEY UPDATE SKIP LOCKED) locked),
        EXISTS (SELECT FROM event_type_registry e WHERE e.active)
      INTO v_locked, v_is_any_event_active;
      LOCK TABLE dot_gate_state IN ROW SHARE MODE;
      -- One timestamp for all parts: the planner chooses the order in which the parts of a statement are executed.
      v_now := clock_timestamp();
      WITH found AS MATERIALIZED (
          SELECT c.*, r.process_candidate_code, r.evidence_type AS mode, k.endpoint_ref, gates.posture, s.change_number,
            v_cluster_id AS cluster_id,
            -- A UUIDv7, as in fn_dot_uuid_v7.
            (lpad(to_hex((extract(epoch FROM v_now) * 1000)::bigint), 12, '0') || '7'
              || substr(gen_random_uuid()::text, 16))::uuid AS receipt_id
          FROM (SELECT *, encode(substring(sha256(uuid_send(c.lease_token)) FROM 1 FOR 16), 'hex')::uuid AS token_digest
                FROM ROWS FROM (jsonb_to_recordset(p_calls) AS (process_run_id uuid, dot_code text, correlation_id text,
                    actor text,
                  evidence_type text, status text, invocation_id uuid, lease_token uuid, verifier_dot_code text,
                  runner text, component_run_id uuid, input_ref text, output_ref text, error_ref text,
                  evidence_ref jsonb, started_at timestamptz, ended_at timestamptz, verdict text,
                  output_digest text)) WITH ORDINALITY
                  AS c (process_run_id, dot_code, correlation_id, actor, evidence_type, status, invocation_id,
                    lease_token, verifier_dot_code, runner, component_run_id, input_ref, output_ref, error_ref,
                    evidence_ref, started_at, ended_at, verdict, output_digest, number)
                WHERE c.number = ANY (v_locked)) c
          CROSS JOIN v_dot_posture gates CROSS JOIN dot_gate_state s
          CROSS JOIN LATERAL (SELECT x.process_run_id, x.lease_token, x.released_at, x.expires_at
            FROM dot_iu_runtime_lease x WHERE x.lease_name = 'dot_exec:' || c.dot_code OFFSET 0) l
          CROSS JOIN LATERAL (SELECT x.process_candidate_code, x.evidence_type, x.correlation_id, x.dot_code,
            x.lease_token
            FROM process_run_observation x WHERE x.process_run_id = c.process_run_id OFFSET 0) r
          CROSS JOIN LATERAL (SELECT x.process_run_id, x.dot_code, x.component_role, x.mode, x.recorded_by, x.begun_xid,
            x.begun_change_number
            FROM dot_invocation x WHERE x.invocation_id = c.invocation_id OFFSET 0) i
          CROSS JOIN LATERAL (SELECT x.paired_dot, x.pair_role
            FROM dot_tools x WHERE x.dot_code = c.verifier_dot_code OFFSET 0) t
          CROSS JOIN LATERAL (SELECT x.endpoint_ref, x.contract_status, x.candidate_code
            FROM dot_agent_api_contract x WHERE x.dot_code = c.verifier_dot_code
              AND x.mode = r.evidence_type OFFSET 0) k
          WHERE c.status = 'step_completed' AND c.error_ref IS NULL AND c.verdict IS NULL
            AND c.component_run_id IS NOT NULL
            AND c.actor ~ c_plain COLLATE "C" AND length(c.actor) <= 200
            AND c.runner ~ c_plain COLLATE "C" AND length(c.runner) <= 200
            AND length(concat(c.input_ref, c.output_ref)) <= 2000
            AND (c.input_ref IS NULL OR ascii(c.input_ref) BETWEEN 33 AND 126)
            AND (c.output_ref IS NULL OR ascii(c.output_ref) BETWEEN 33 AND 126)
            AND (c.output_digest IS NULL OR c.output_digest ~ '^sha256:[0-9a-f]{64}$')
            AND fn_dot_evidence_is_valid(c.evidence_ref)
            AND (c.started_at IS NULL OR c.started_at BETWEEN '1900-01-01' AND v_now + interval '1 hour')
            AND (c.ended_at IS NULL
              OR c.ended_at BETWEEN coalesce(c.started_at, '1900-01-01') AND v_now + interval '1 hour')
            -- A lease that is bound to the run proves that the run is not concluded.
            AND l.process_run_id = c.process_run_id AND l.lease_token = c.token_digest AND l.released_at IS NULL
            AND l.expires_at > v_now
            AND r.correlation_id = c.correlation_id AND r.dot_code = c.dot_code AND r.lease_token = c.token_digest
            AND c.evidence_type IN (r.evidence_type, 'SIMULATED_DRY_RUN')
            -- The call's receipt is from another transaction, and no closing missed it: it is not void.
            AND i.process_run_id = c.process_run_id AND i.dot_code = c.dot_code AND i.component_role = 'producer'
            AND i.mode = r.evidence_type AND i.recorded_by = session_user AND i.begun_xid <> pg_current_xact_id()
            AND (s.xmax = '0' OR fn_dot_xact_status(s.xmax) = 'aborted')
            AND NOT EXISTS (SELECT FROM dot_config_history h
              WHERE NOT h.saw_every_receipt AND h.change_number > i.begun_change_number OFFSET 0)
            AND i.begun_change_number IS NOT NULL
            -- The verifier is still the pair's, a contract binds it, and the gates allow its call.
            AND t.paired_dot = c.dot_code AND t.pair_role = 'verifier'
            AND k.contract_status = 'active' AND (k.candidate_code IS NULL
              OR k.candidate_code = r.process_candidate_code)
            AND NOT gates.is_changed_here AND (gates.posture = 'REAL_RUN' OR gates.posture = 'DRY_RUN_ONLY'
              AND r.evidence_type = 'DRY_RUN')
            AND NOT EXISTS (SELECT FROM process_component_observation p
              WHERE p.process_run_id = c.process_run_id AND p.component_role = 'producer' OFFSET 0)
            AND NOT EXISTS (SELECT FROM process_component_observation p
              WHERE p.component_run_id = c.component_run_id OFFSET 0)),
        parts AS (
          INSERT INTO process_component_observation (component_run_id, process_run_id, component_role,
            process_candidate_code, correlation_id, dot_code, invocation_id, status, evidence_type, output_digest,
            source_system, input_ref, output_ref, evidence_ref, actor, started_at, ended_at, created_at)
          SELECT f.component_run_id, f.process_run_id, 'producer', f.process_candidate_code,
            f.correlation_id, f.dot_code, f.invocation_id, f.status, f.evidence_type, f.output_digest,
            'dot_exec_wrapper', f.input_ref, f.output_ref,
            -- As fn_dot_evidence_tags.
            (f.evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', f.actor,
              'posture', f.posture),
            f.actor, f.started_at, f.ended_at, v_now
          FROM found f),
        receipts AS (
          -- Without the producer's row there is no receipt for its verifier.
          INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture,
            endpoint_ref, input_digest, runner, begun_at, begun_change_number, cluster_id)
          SELECT f.receipt_id, f.process_run_id, f.verifier_dot_code, 'verifier', f.mode, f.posture, f.endpoint_ref,
            f.output_digest, f.runner, v_now, f.change_number, f.cluster_id
          FROM found f)
        SELECT array_agg(f.number), array_agg(f.receipt_id)
        INTO v_numbers, v_receipt_ids
        FROM found f
        WHERE NOT v_is_any_event_active
          OR fn_dot_event_emit(fn_dot_event_type_for(f.status, true), f.process_run_id, f.component_run_id,
            f.correlation_id, f.dot_code, f.status, f.evidence_type, 'dot_exec_wrapper', f.input_ref,
            f.output_ref) >= 0;
    EXCEPTION WHEN unique_violation OR lock_not_available OR deadlock_detected THEN
      -- A gate is being changed, an id occurs twice, or another transaction is using it. The single function reports
      -- which.
      RETURN;
    END;
    RETURN QUERY SELECT * FROM unnest(v_numbers, v_receipt_ids);
  END IF;
END;
$$;
