-- fn_process_run_record_verifier_and_conclude for several runs in one transaction: for each run, the outcome of its
-- last call and the conclusion. Writes both or neither. p_calls is a JSON array of objects. Returns one row for each
-- call that was executed, with its position in the array, from 1.
--
-- The members are the arguments of fn_process_component_observe, without the prefix p_. The arguments of
-- fn_process_run_conclude with the same names are run_status, run_output_ref, run_error_ref and run_evidence_ref.
-- run_dot_code is the producer, whose lease the run holds. dot_code is the tool of the last call: the verifier, or the
-- producer where it failed. Skips every call but that of a verifier that did its work, as fn_process_run_begin_batch
-- does. The client then calls fn_process_run_record_verifier_and_conclude, which executes or refuses the call.
CREATE OR REPLACE FUNCTION fn_process_run_record_verifier_and_conclude_batch(p_calls jsonb)
RETURNS TABLE (call_number bigint, process_run_id uuid)
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
  v_run_ids uuid[];
  v_now    timestamptz;
  v_is_any_event_active boolean;
BEGIN
  PERFORM fn_dot_check_batch(p_calls);
  IF current_setting('synchronous_commit') = 'off' THEN
    -- An acknowledged commit survives a crash, whatever synchronous_commit the server or the session sets.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') THEN
    BEGIN
      -- As in fn_process_run_begin_batch, all locks and writes are in this block.
      -- Locks the leases whose tokens the calls present. The statement that writes begins after them.
      SELECT ARRAY(
        SELECT c.number
        FROM (SELECT DISTINCT ON (x.run_dot_code) x.run_dot_code, x.process_run_id, x.lease_token, x.number
              FROM ROWS FROM (jsonb_to_recordset(p_calls) AS (run_dot_code text, process_run_id uuid, lease_token uuid))
                WITH ORDINALITY AS x (run_dot_code, process_run_id, lease_token, number) OFFSET 0) c
        CROSS JOIN LATERAL (
          SELECT FROM dot_iu_runtime_lease l
          WHERE l.lease_name = 'dot_exec:' || c.run_dot_code AND l.process_run_id = c.process_run_id
            AND l.lease_token = encode(substring(sha256(uuid_send(c.lease_token)) FROM 1 FOR 16), 'hex')::uuid
            AND l.holder_login = session_user
          FOR NO KEY UPDATE SKIP LOCKED) locked),
        EXISTS (SELECT FROM event_type_registry e WHERE e.active)
      INTO v_locked, v_is_any_event_active;
      -- One timestamp for all parts: no row of a run is later than its conclusion.
      v_now := clock_timestamp();
      WITH found AS MATERIALIZED (
          SELECT c.*, r.process_candidate_code, r.evidence_type AS mode, r.actor AS run_actor, r.source_system,
            r.input_ref AS run_input_ref, gates.posture
          FROM (SELECT *, encode(substring(sha256(uuid_send(c.lease_token)) FROM 1 FOR 16), 'hex')::uuid AS token_digest
                FROM ROWS FROM (jsonb_to_recordset(p_calls) AS (process_run_id uuid, run_dot_code text, dot_code text,
                    component_role text,
                  correlation_id text, actor text, evidence_type text, status text, invocation_id uuid,
                  lease_token uuid, run_status text, component_run_id uuid, input_ref text, output_ref text,
                  error_ref text, evidence_ref jsonb, started_at timestamptz, ended_at timestamptz, verdict text,
                  output_digest text, run_output_ref text, run_error_ref text, run_evidence_ref jsonb)) WITH ORDINALITY
                  AS c (process_run_id, run_dot_code, dot_code, component_role, correlation_id, actor, evidence_type,
                    status, invocation_id, lease_token, run_status, component_run_id, input_ref, output_ref, error_ref,
                    evidence_ref, started_at, ended_at, verdict, output_digest, run_output_ref, run_error_ref,
                    run_evidence_ref, number)
                WHERE c.number = ANY (v_locked)) c
          CROSS JOIN v_dot_posture gates CROSS JOIN dot_gate_state s
          CROSS JOIN LATERAL (SELECT x.process_run_id, x.lease_token, x.released_at, x.expires_at, x.observed_candidate,
            x.observed_verifier, x.observed_type
            FROM dot_iu_runtime_lease x WHERE x.lease_name = 'dot_exec:' || c.run_dot_code OFFSET 0) l
          CROSS JOIN LATERAL (SELECT x.process_candidate_code, x.evidence_type, x.correlation_id, x.dot_code,
            x.lease_token, x.actor, x.source_system, x.input_ref
            FROM process_run_observation x WHERE x.process_run_id = c.process_run_id OFFSET 0) r
          CROSS JOIN LATERAL (SELECT x.evidence_type, x.invocation_id, x.status
            FROM process_component_observation x WHERE x.process_run_id = c.process_run_id
              AND x.component_role = 'producer' OFFSET 0) producer
          CROSS JOIN LATERAL (SELECT x.process_run_id, x.dot_code, x.component_role, x.mode, x.recorded_by, x.begun_xid,
            x.begun_change_number, x.input_digest
            FROM dot_invocation x WHERE x.invocation_id = c.invocation_id OFFSET 0) i
          CROSS JOIN LATERAL (SELECT x.paired_dot, x.pair_role
            FROM dot_tools x WHERE x.dot_code = c.dot_code OFFSET 0) t
          WHERE c.component_role = 'verifier' AND c.status = 'step_completed' AND c.run_status = 'completed'
            AND c.verdict IN ('pass', 'fail', 'error')
            AND c.error_ref IS NULL AND c.run_error_ref IS NULL AND c.component_run_id IS NOT NULL
            AND c.actor ~ c_plain COLLATE "C" AND length(c.actor) <= 200
            AND length(concat(c.input_ref, c.output_ref, c.run_output_ref)) <= 2000
            AND (c.input_ref IS NULL OR ascii(c.input_ref) BETWEEN 33 AND 126)
            AND (c.output_ref IS NULL OR ascii(c.output_ref) BETWEEN 33 AND 126)
            AND (c.run_output_ref IS NULL OR ascii(c.run_output_ref) BETWEEN 33 AND 126)
            AND (c.output_digest IS NULL OR c.output_digest ~ '^sha256:[0-9a-f]{64}$')
            AND fn_dot_evidence_is_valid(c.evidence_ref)
            AND fn_dot_evidence_is_valid(c.run_evidence_ref)
            AND (c.started_at IS NULL OR c.started_at BETWEEN '1900-01-01' AND v_now + interval '1 hour')
            AND (c.ended_at IS NULL
              OR c.ended_at BETWEEN coalesce(c.started_at, '1900-01-01') AND v_now + interval '1 hour')
            -- A lease that is bound to the run proves that the run is not concluded.
            AND l.process_run_id = c.process_run_id AND l.lease_token = c.token_digest AND l.released_at IS NULL
            AND l.expires_at > v_now
            AND r.correlation_id = c.correlation_id AND r.dot_code = c.run_dot_code AND r.lease_token = c.token_digest
            AND c.evidence_type IN (r.evidence_type, 'SIMULATED_DRY_RUN')
            -- The producer completed under its receipt, so this call is the only open one.
            AND producer.invocation_id IS NOT NULL AND producer.status = 'step_completed'
            -- The call's receipt is from another transaction, and no closing missed it: it is not void.
            AND i.process_run_id = c.process_run_id AND i.dot_code = c.dot_code AND i.component_role = 'verifier'
            AND i.mode = r.evidence_type AND i.recorded_by = session_user AND i.begun_xid <> pg_current_xact_id()
            AND (s.xmax = '0' OR fn_dot_xact_status(s.xmax) = 'aborted')
            AND NOT EXISTS (SELECT FROM dot_config_history h
              WHERE NOT h.saw_every_receipt AND h.change_number > i.begun_change_number OFFSET 0)
            AND i.begun_change_number IS NOT NULL
            AND (c.verdict <> 'pass' OR i.input_digest IS NOT NULL)
            -- The lease already counts this combination with completed components; fn_dot_rollup_run handles a change.
            AND producer.evidence_type = c.evidence_type AND l.observed_type = c.evidence_type
            AND l.observed_candidate = r.process_candidate_code AND l.observed_verifier = c.dot_code
            AND t.paired_dot = c.run_dot_code AND t.pair_role = 'verifier'
            AND NOT EXISTS (SELECT FROM process_component_observation p
              WHERE p.process_run_id = c.process_run_id AND p.component_role = 'verifier' OFFSET 0)
            AND NOT EXISTS (SELECT FROM process_component_observation p
              WHERE p.component_run_id = c.component_run_id OFFSET 0)),
        parts AS (
          INSERT INTO process_component_observation (component_run_id, process_run_id, component_role,
            process_candidate_code, correlation_id, dot_code, invocation_id, status, evidence_type, verdict,
            output_digest, source_system, input_ref, output_ref, evidence_ref, actor, started_at, ended_at, created_at)
          SELECT f.component_run_id, f.process_run_id, 'verifier', f.process_candidate_code,
            f.correlation_id, f.dot_code, f.invocation_id, f.status, f.evidence_type, f.verdict, f.output_digest,
            'dot_exec_wrapper', f.input_ref, f.output_ref,
            -- As fn_dot_evidence_tags.
            (f.evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', f.actor,
              'posture', f.posture),
            f.actor, f.started_at, f.ended_at, v_now
          FROM found f),
        -- From here on as fn_dot_conclusion_write.
        conclusions AS (
          INSERT INTO process_run_conclusion (process_run_id, status, verdict, output_ref, evidence_ref, concluded_by,
            concluded_at)
          SELECT f.process_run_id, f.run_status, f.verdict, f.run_output_ref,
            (f.run_evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper',
              'actor', f.run_actor, 'posture', f.posture),
            f.actor, v_now
          FROM found f),
        leases AS (
          UPDATE dot_iu_runtime_lease l
          SET released_at = v_now, process_run_id = NULL,
              observed_runs = l.observed_runs + 1, observed_at = v_now, observed_run_id = f.process_run_id
          FROM found f WHERE l.lease_name = 'dot_exec:' || f.run_dot_code)
        SELECT array_agg(f.number), array_agg(f.process_run_id)
        INTO v_numbers, v_run_ids
        FROM found f
        WHERE NOT v_is_any_event_active
          OR fn_dot_event_emit(fn_dot_event_type_for(f.status, true), f.process_run_id, f.component_run_id,
            f.correlation_id, f.dot_code,
               f.status, f.evidence_type, 'dot_exec_wrapper', f.input_ref, f.output_ref)
             + fn_dot_event_emit(fn_dot_event_type_for(f.run_status, false), f.process_run_id, NULL, f.correlation_id,
               f.run_dot_code, f.run_status, f.mode, f.source_system, f.run_input_ref, f.run_output_ref) >= 0;
    EXCEPTION WHEN unique_violation OR lock_not_available OR deadlock_detected THEN
      -- An id occurs twice, or another transaction is using it. The single functions report which.
      RETURN;
    END;
    RETURN QUERY SELECT * FROM unnest(v_numbers, v_run_ids);
  END IF;
END;
$$;
