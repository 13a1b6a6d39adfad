-- Claims one request for a worker, or none: of those that are due, in a mode that the gates allow now, the one with the
-- lowest priority number, and of these the one that is due for longest. The lease that its run needs is free, and no
-- other claimed request needs it, so that workers do not contend for it. The pair is not paused, and the worker has the
-- labels that the producer's contract requires. Expired claims are handled first (fn_dot_request_finish_lost,
-- fn_dot_request_requeue_lost).
--
-- The worker begins the run with the idempotency key run_key, which is 'request:<request_id>', and with the returned
-- arguments. Where fn_process_run_begin returns created = false, another worker began that run before: the tool is not
-- called again. The worker then finishes the request with the run if it is concluded, else with a refusal and a delay.
--
-- This function waits for no other worker: it tries locks and skips locked rows. It reads no finished request.
CREATE OR REPLACE FUNCTION fn_dot_run_request_claim(p_runner text, p_ttl_seconds integer, p_modes text[] DEFAULT NULL,
  p_labels text[] DEFAULT NULL)
RETURNS TABLE (request_id uuid, claim_token uuid, claimed_until timestamptz, run_key text, dot_code text,
  process_candidate_code text, mode text, correlation_id text, actor text, input_ref text, input_digest text,
  requested_at timestamptz, claims integer, attempt integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now   timestamptz;
  v_modes text[];
  v_mode  text;
  v_pair  record;
  v_tool  record;
  v_id    uuid;
  v_token uuid := gen_random_uuid();
BEGIN
  PERFORM fn_dot_lease_check_arguments('dot_exec', p_runner, p_ttl_seconds);
  FOREACH v_mode IN ARRAY coalesce(p_modes, '{}') LOOP
    PERFORM fn_dot_check_mode(v_mode);
  END LOOP;
  PERFORM fn_dot_check_snapshot();
  PERFORM fn_dot_request_finish_lost();
  v_modes := CASE fn_process_dot_posture() WHEN 'REAL_RUN' THEN '{DRY_RUN,REAL_RUN}'
    WHEN 'DRY_RUN_ONLY' THEN '{DRY_RUN}' ELSE '{}' END;

  -- The subtransaction undoes everything where no request is claimed, and releases the locks of due requests.
  BEGIN
    PERFORM fn_dot_request_requeue_lost(v_modes);
    FOR v_pair IN SELECT d.dot_code, d.mode, d.priority FROM fn_dot_request_due_pairs() d
      WHERE d.mode = ANY (v_modes) AND (p_modes IS NULL OR d.mode = ANY (p_modes))
      ORDER BY d.priority, d.not_before, d.dot_code
    LOOP
      -- The subtransaction releases the lock where no request of the pair is claimed. A worker that idles after an
      -- empty claim then blocks neither the retirement of a tool nor other workers.
      BEGIN
        -- Locks the producer's row in the registry: one worker at a time claims for a pair. No other role can lock it.
        SELECT t.lease_scope, t.paired_dot INTO v_tool FROM dot_tools t WHERE t.dot_code = v_pair.dot_code
        FOR NO KEY UPDATE SKIP LOCKED;
        -- Looks under the lock: another worker may have claimed a request of this pair.
        v_now := clock_timestamp();
        IF FOUND AND NOT EXISTS (SELECT FROM dot_tools t
             WHERE t.dot_code IN (v_pair.dot_code, v_tool.paired_dot) AND t.paused_until > v_now)
           AND NOT EXISTS (SELECT FROM dot_agent_api_contract c
             WHERE c.dot_code = v_pair.dot_code AND c.mode = v_pair.mode AND c.contract_status = 'active'
               AND NOT c.requires <@ coalesce(p_labels, '{}')) THEN
          v_id := fn_dot_request_next_of_pair(v_pair.dot_code, v_pair.mode, v_pair.priority,
            v_tool.lease_scope <> 'pair', v_now);
          IF v_id IS NOT NULL THEN
            RETURN QUERY
              UPDATE dot_run_request AS r SET state = 'claimed', claimed_by = p_runner,
                claim_token = fn_dot_token_digest(v_token), claimed_login = session_user,
                claimed_until = v_now + make_interval(secs => p_ttl_seconds), claims = r.claims + 1
              WHERE r.request_id = v_id
              RETURNING r.request_id, v_token, r.claimed_until, fn_dot_request_run_key(r.request_id), r.dot_code,
                r.process_candidate_code, r.mode, r.correlation_id, r.actor, r.input_ref, r.input_digest,
                r.requested_at, r.claims, r.attempt + 1;
            RETURN;
          END IF;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
      EXCEPTION WHEN SQLSTATE 'DOTUN' THEN NULL;
      END;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN NULL;
  END;
END;
$$;
