-- Claims one request for a worker, or none: the one that is due for longest, in a mode that the gates allow now, of an
-- idle pair. A pair is idle where its lease is free and no other request of it is claimed, so that workers do not
-- contend for a pair's lease. Expired claims are handled first (fn_dot_request_finish_lost,
-- fn_dot_request_requeue_lost).
--
-- The worker begins the run with the idempotency key run_key, which is 'request:<request_id>', and with the returned
-- arguments. Where fn_process_run_begin returns created = false, another worker began that run before: the tool is not
-- called again. The worker then finishes the request with the run if it is concluded, else with a refusal and a delay.
--
-- This function waits for no other worker: it tries locks and skips locked rows. It reads no finished request.
CREATE OR REPLACE FUNCTION fn_dot_run_request_claim(p_runner text, p_ttl_seconds integer, p_modes text[] DEFAULT NULL)
RETURNS TABLE (request_id uuid, claim_token uuid, claimed_until timestamptz, run_key text, dot_code text,
  process_candidate_code text, mode text, correlation_id text, actor text, input_ref text, input_digest text,
  requested_at timestamptz, claims integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now   timestamptz;
  v_modes text[];
  v_mode  text;
  v_pair  record;
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
    FOR v_pair IN SELECT d.dot_code, d.mode FROM fn_dot_request_due_pairs() d
      WHERE d.mode = ANY (v_modes) AND (p_modes IS NULL OR d.mode = ANY (p_modes)) ORDER BY d.not_before, d.dot_code
    LOOP
      -- The subtransaction releases the lock where no request of the pair is claimed. A worker that idles after an
      -- empty claim then blocks neither the retirement of a tool nor other workers.
      BEGIN
        -- Locks the producer's row in the registry: one worker at a time claims for a pair. No other role can lock it.
        PERFORM FROM dot_tools t WHERE t.dot_code = v_pair.dot_code FOR NO KEY UPDATE SKIP LOCKED;
        -- Checks again under the lock: another worker may have claimed a request of this pair.
        v_now := clock_timestamp();
        IF FOUND AND NOT EXISTS (
             SELECT FROM dot_run_request r WHERE r.state = 'claimed' AND r.dot_code = v_pair.dot_code
               AND r.claimed_until > v_now)
           AND NOT EXISTS (SELECT FROM dot_iu_runtime_lease l
             WHERE l.lease_name = 'dot_exec:' || v_pair.dot_code AND l.released_at IS NULL AND l.expires_at > v_now)
               THEN
          SELECT r.request_id INTO v_id FROM dot_run_request r
          WHERE r.state = 'waiting' AND r.dot_code = v_pair.dot_code AND r.mode = v_pair.mode AND r.not_before <= v_now
          ORDER BY r.not_before LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
          IF FOUND THEN
            RETURN QUERY
              UPDATE dot_run_request AS r SET state = 'claimed', claimed_by = p_runner,
                claim_token = fn_dot_token_digest(v_token), claimed_login = session_user,
                claimed_until = v_now + make_interval(secs => p_ttl_seconds), claims = r.claims + 1
              WHERE r.request_id = v_id
              RETURNING r.request_id, v_token, r.claimed_until, fn_dot_request_run_key(r.request_id), r.dot_code,
                r.process_candidate_code, r.mode, r.correlation_id, r.actor, r.input_ref, r.input_digest,
                r.requested_at, r.claims;
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
