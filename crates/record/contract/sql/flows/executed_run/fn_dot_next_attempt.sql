-- The attempt to begin after the newest one under a key, and the run of the first attempt; nulls where the newest one
-- is to be returned instead: the caller did not ask for another, or it passed. Refuses where another attempt is not
-- allowed (fn_dot_retry_check). Concludes the newest one first where its holder died. A claimed request asks for an
-- attempt by itself, until that attempt is begun.
CREATE OR REPLACE FUNCTION fn_dot_next_attempt(
  p_process_run_id uuid, p_on_earlier text, p_request_id uuid, p_input_ref text, p_actor text,
  OUT attempt integer, OUT attempt_of uuid)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_run     record;
  v_check   record;
  v_begun   uuid;
BEGIN
  IF p_on_earlier IS NULL OR p_on_earlier NOT IN ('return', 'retry') THEN
    PERFORM fn_dot_refuse('status_invalid', format('p_on_earlier is return or retry, not %L', left(p_on_earlier, 100)));
  END IF;
  SELECT r.attempt, r.attempt_of, r.input_ref, r.lease_name, v.verdict, v.concluded_at INTO v_run
  FROM process_run_observation r JOIN v_process_run v ON v.process_run_id = r.process_run_id
  WHERE r.process_run_id = p_process_run_id;
  attempt := v_run.attempt;
  SELECT q.process_run_id INTO v_begun FROM dot_run_request q WHERE q.request_id = p_request_id;
  IF p_request_id IS NULL AND p_on_earlier = 'return' OR v_begun IS NOT NULL OR v_run.verdict = 'pass' THEN
    RETURN;
  ELSIF v_run.input_ref IS DISTINCT FROM p_input_ref THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'the idempotency key was used for another input',
      jsonb_build_object('process_run_id', p_process_run_id, 'differs', ARRAY['input_ref']));
  END IF;
  IF v_run.concluded_at IS NULL AND v_run.lease_name IS NOT NULL AND NOT fn_dot_lease_is_live(v_run.lease_name) THEN
    IF NOT fn_dot_lease_lock(v_run.lease_name) THEN
      PERFORM fn_dot_lease_refuse_locked(v_run.lease_name, 'lease_held');
    END IF;
    PERFORM fn_dot_run_reap_one(p_process_run_id, p_actor) FROM dot_iu_runtime_lease l
    WHERE l.lease_name = v_run.lease_name AND l.process_run_id = p_process_run_id
      AND (l.released_at IS NOT NULL OR l.expires_at <= clock_timestamp());
  END IF;
  v_check := fn_dot_retry_check(p_process_run_id);
  IF v_check.refusal_code IS NOT NULL THEN
    -- Names the holder, so that a program on its machine can tell whether it ended (fn_dot_lease_holder_ended).
    PERFORM fn_dot_refuse(v_check.refusal_code, v_check.reason,
      jsonb_build_object('process_run_id', p_process_run_id, 'attempt', v_run.attempt)
      || coalesce((SELECT jsonb_build_object('lease_name', l.lease_name, 'lease_holder', l.lease_holder,
          'expires_at', l.expires_at, 'acquired_at', l.acquired_at, 'holder_process', l.holder_process)
        FROM dot_iu_runtime_lease l
        WHERE l.lease_name = v_run.lease_name AND l.process_run_id = p_process_run_id
          AND l.released_at IS NULL), '{}'));
  END IF;
  attempt := v_run.attempt + 1;
  attempt_of := coalesce(v_run.attempt_of, p_process_run_id);
END;
$$;
