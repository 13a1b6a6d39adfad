-- fn_process_run_begin for several runs in one transaction, so that concurrent runs share one commit. p_calls is a JSON
-- array of objects with the arguments of fn_process_run_begin, without the prefix p_. Returns one row for each call
-- that was executed, with its position in the array, from 1.
--
-- Executes only calls of the common case. It tries the locks without waiting; one statement then checks all conditions
-- and writes. It waits at most 20 ms for a row that another transaction is writing. It skips every other call: one with
-- a key, a held lease or a closed gate. The client then calls fn_process_run_begin, which executes or refuses the call.
-- This statement may be stricter than fn_process_run_begin, never more permissive.
CREATE OR REPLACE FUNCTION fn_process_run_begin_batch(p_calls jsonb)
RETURNS TABLE (call_number bigint, process_run_id uuid, lease_token uuid, producer_invocation_id uuid, created boolean)
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
  v_tokens uuid[];
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
      -- All locks and writes are in this block, so that they have one transaction id: a row that a transaction locks
      -- and its subtransaction updates would need a MultiXact.
      -- Locks the free leases, then the gates. A lease that another run holds is not locked, so that its holder does
      -- not wait. One call per pair: this transaction would hold the lock for a second call as well.
      SELECT ARRAY(
        SELECT c.number
        FROM (SELECT DISTINCT ON (x.dot_code) x.dot_code, x.number
              FROM ROWS FROM (jsonb_to_recordset(p_calls) AS (dot_code text)) WITH ORDINALITY AS x (dot_code, number)
              OFFSET 0) c
        CROSS JOIN LATERAL (
          SELECT FROM dot_iu_runtime_lease l
          WHERE l.lease_name = 'dot_exec:' || c.dot_code
            AND l.process_run_id IS NULL AND (l.released_at IS NOT NULL OR l.expires_at <= clock_timestamp())
          FOR NO KEY UPDATE SKIP LOCKED) locked),
        EXISTS (SELECT FROM event_type_registry e WHERE e.active)
      INTO v_locked, v_is_any_event_active;
      LOCK TABLE dot_gate_state IN ROW SHARE MODE;
      v_now := clock_timestamp();
      WITH found AS MATERIALIZED (
          SELECT x.*, encode(substring(sha256(uuid_send(x.lease_token)) FROM 1 FOR 16), 'hex')::uuid AS token_digest
            FROM (
          SELECT c.*, gates.posture, s.change_number, v_cluster_id AS cluster_id, of_producer.endpoint_ref,
            gen_random_uuid() AS lease_token,
            -- A UUIDv7, as in fn_dot_uuid_v7.
            (lpad(to_hex((extract(epoch FROM v_now) * 1000)::bigint), 12, '0') || '7'
              || substr(gen_random_uuid()::text, 16))::uuid AS receipt_id
          FROM (SELECT * FROM ROWS FROM (jsonb_to_recordset(p_calls) AS (dot_code text, process_candidate_code text,
                  correlation_id text, actor text, mode text, runner text, idempotency_key text, process_run_id uuid,
                  parent_run_id uuid,
                  input_ref text, input_digest text, evidence_ref jsonb, lease_ttl_seconds integer)) WITH ORDINALITY
                  AS c (dot_code, process_candidate_code, correlation_id, actor, mode, runner, idempotency_key,
                    process_run_id, parent_run_id, input_ref, input_digest, evidence_ref, lease_ttl_seconds, number)
                WHERE c.number = ANY (v_locked)) c
          CROSS JOIN v_dot_posture gates CROSS JOIN dot_gate_state s CROSS JOIN v_dot_preflight_cache memory
          CROSS JOIN LATERAL (SELECT x.process_run_id, x.released_at, x.expires_at
            FROM dot_iu_runtime_lease x WHERE x.lease_name = 'dot_exec:' || c.dot_code OFFSET 0) l
          CROSS JOIN LATERAL (SELECT x.paired_dot, x.pair_role, x.is_retired
            FROM dot_tools x WHERE x.dot_code = c.dot_code OFFSET 0) t
          CROSS JOIN LATERAL (SELECT x.endpoint_ref, x.contract_status, x.candidate_code
            FROM dot_agent_api_contract x WHERE x.dot_code = c.dot_code AND x.mode = c.mode OFFSET 0) of_producer
          -- A producer is not called where its verifier could not be called.
          CROSS JOIN LATERAL (SELECT x.contract_status, x.candidate_code
            FROM dot_agent_api_contract x WHERE x.dot_code = t.paired_dot AND x.mode = c.mode OFFSET 0) of_verifier
          -- Short ASCII arguments need no further check.
          WHERE c.actor ~ c_plain COLLATE "C" AND length(c.actor) <= 200
            AND c.process_candidate_code ~ c_plain COLLATE "C" AND length(c.process_candidate_code) <= 200
            AND c.correlation_id ~ c_plain COLLATE "C" AND length(c.correlation_id) <= 500
            AND c.runner ~ c_plain COLLATE "C" AND length(c.runner) <= 200
            AND length(c.dot_code) <= 200 AND (c.input_digest IS NULL OR c.input_digest ~ '^sha256:[0-9a-f]{64}$')
            AND (c.input_ref IS NULL OR ascii(c.input_ref) BETWEEN 33 AND 126 AND length(c.input_ref) <= 2000)
            AND fn_dot_evidence_is_valid(c.evidence_ref)
            AND c.idempotency_key IS NULL AND c.process_run_id IS NOT NULL AND c.lease_ttl_seconds BETWEEN 1 AND 86400
            AND c.mode IN ('DRY_RUN', 'REAL_RUN') AND NOT gates.is_changed_here
            AND (gates.posture = 'REAL_RUN' OR gates.posture = 'DRY_RUN_ONLY' AND c.mode = 'DRY_RUN')
            AND t.pair_role = 'producer' AND (s.xmax = '0' OR fn_dot_xact_status(s.xmax) = 'aborted')
            -- The pair's roles were not swapped during a run.
            AND NOT EXISTS (SELECT FROM dot_iu_runtime_lease x WHERE x.lease_name = 'dot_exec:' || t.paired_dot
              AND x.process_run_id IS NOT NULL OFFSET 0)
            AND of_producer.contract_status = 'active'
            AND (of_producer.candidate_code IS NULL OR of_producer.candidate_code = c.process_candidate_code)
            AND of_verifier.contract_status = 'active'
            AND (of_verifier.candidate_code IS NULL OR of_verifier.candidate_code = c.process_candidate_code)
            -- As fn_dot_check_not_retired and fn_dot_check_candidate_pair.
            AND NOT t.is_retired AND NOT EXISTS (SELECT FROM dot_tools x
              WHERE x.dot_code = t.paired_dot AND x.is_retired OFFSET 0)
            AND (c.mode <> 'REAL_RUN' OR EXISTS (
              -- Through the keys of both: the view's is_registered would read every candidate.
              SELECT FROM process_candidate_pair b JOIN process_candidate k
                ON k.process_candidate_code = b.process_candidate_code
              WHERE b.process_candidate_code = c.process_candidate_code AND b.dot_code = c.dot_code OFFSET 0))
            -- A fresh result counts. Where one is due, the first call is skipped, and fn_process_run_begin refreshes
            -- it.
            AND memory.is_fresh AND (memory.is_due IS NOT TRUE OR c.number > 1)
            -- The lease exists and is free. fn_dot_lease_take handles a run that its last holder left open.
            AND l.process_run_id IS NULL AND (l.released_at IS NOT NULL OR l.expires_at <= v_now)
            AND NOT EXISTS (SELECT FROM process_run_observation r WHERE r.process_run_id = c.process_run_id OFFSET 0)
          OFFSET 0) x),
        headers AS (
          INSERT INTO process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id,
            parent_run_id, status, evidence_type, source_system, lease_name, lease_token, input_ref, evidence_ref,
            actor, started_at, created_at)
          SELECT f.process_run_id, f.dot_code, f.process_candidate_code, f.correlation_id, f.parent_run_id, 'started',
            f.mode, 'dot_exec_wrapper', 'dot_exec:' || f.dot_code, f.token_digest, f.input_ref,
            -- As fn_dot_evidence_tags.
            (f.evidence_ref - 'no_execute') || jsonb_build_object('wrapper', 'dot_exec_wrapper', 'actor', f.actor,
              'posture', f.posture),
            f.actor, v_now, v_now
          FROM found f),
        leases AS (
          UPDATE dot_iu_runtime_lease l
          SET lease_holder = f.runner, lease_token = f.token_digest, holder_login = session_user, acquired_at = v_now,
            expires_at = v_now + make_interval(secs => f.lease_ttl_seconds),
              released_at = NULL, acquisitions = l.acquisitions + 1, process_run_id = f.process_run_id
          FROM found f WHERE l.lease_name = 'dot_exec:' || f.dot_code),
        receipts AS (
          INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture,
            endpoint_ref, input_digest, runner, begun_change_number, cluster_id)
          SELECT f.receipt_id, f.process_run_id, f.dot_code, 'producer', f.mode, f.posture, f.endpoint_ref,
            f.input_digest, f.runner, f.change_number, f.cluster_id
          FROM found f)
        SELECT array_agg(f.number), array_agg(f.process_run_id), array_agg(f.lease_token), array_agg(f.receipt_id)
        INTO v_numbers, v_run_ids, v_tokens, v_receipt_ids
        FROM found f
        WHERE NOT v_is_any_event_active
          OR fn_dot_event_emit(fn_dot_event_type_for('started', false), f.process_run_id, NULL, f.correlation_id,
            f.dot_code, 'started', f.mode, 'dot_exec_wrapper', f.input_ref, NULL) >= 0;
    EXCEPTION WHEN unique_violation OR lock_not_available OR deadlock_detected THEN
      -- A gate is being changed, an id occurs twice, or another transaction is using it. The single function reports
      -- which.
      RETURN;
    END;
    RETURN QUERY SELECT d.*, true FROM unnest(v_numbers, v_run_ids, v_tokens, v_receipt_ids) d;
  END IF;
END;
$$;
