-- Finishes a claim with its concluded run, or with the code of a refusal. After a transient refusal such as lease_held
-- the request is queued again for the given number of seconds. Returns false where the claim was taken over or finished
-- meanwhile. The same call repeated returns true again. An expired claim that was not taken over is accepted.
--
-- A request whose run was begun is never refused: that attempt ends with its run's conclusion, whatever the worker
-- reports. fn_dot_request_conclude decides whether another attempt follows.
CREATE OR REPLACE FUNCTION fn_dot_run_request_finish(
  p_request_id uuid, p_claim_token uuid, p_process_run_id uuid DEFAULT NULL, p_refusal_code text DEFAULT NULL,
  p_retry_after_seconds integer DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_refusal   text := fn_dot_null_if_blank(p_refusal_code);
  v_request   dot_run_request;
  v_concluded boolean;
  v_now       timestamptz;
BEGIN
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('refusal_code', p_refusal_code));
  IF (p_process_run_id IS NULL) = (v_refusal IS NULL) THEN
    PERFORM fn_dot_refuse('status_invalid', 'a request is finished by its run, or by the code of a refusal');
  ELSIF p_retry_after_seconds NOT BETWEEN 0 AND 86400 OR (p_retry_after_seconds IS NOT NULL AND v_refusal IS NULL) THEN
    PERFORM fn_dot_refuse('ttl_invalid', 'after a refusal a request waits for 0 to 86400 seconds');
  END IF;
  -- A token that is not the claim's locks nothing.
  IF p_claim_token IS NULL OR NOT EXISTS (
       SELECT FROM dot_run_request r WHERE r.request_id = p_request_id
         AND r.claim_token = fn_dot_token_digest(p_claim_token)) THEN
    RETURN false;
  END IF;
  PERFORM fn_dot_request_locked(p_request_id);
  SELECT * INTO v_request FROM dot_run_request r WHERE r.request_id = p_request_id;
  v_now := clock_timestamp();
  IF v_request.claim_token IS DISTINCT FROM fn_dot_token_digest(p_claim_token) THEN
    RETURN false;
  END IF;
  PERFORM fn_dot_check_claim_login(p_request_id, v_request.claimed_login);
  IF v_request.state <> 'claimed' THEN
    RETURN coalesce(v_request.process_run_id, v_request.last_run_id) IS NOT DISTINCT FROM p_process_run_id
      AND v_request.refusal_code IS NOT DISTINCT FROM v_refusal;
  ELSIF p_process_run_id <> coalesce(v_request.process_run_id, fn_dot_uuid_v7()) THEN
    PERFORM fn_dot_refuse('run_unknown', format('the run %s was not begun for this request', p_process_run_id),
      jsonb_build_object('request_id', p_request_id, 'process_run_id', v_request.process_run_id));
  END IF;
  v_concluded := EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = v_request.process_run_id);

  IF v_concluded THEN
    PERFORM fn_dot_request_conclude(p_request_id, v_now);
  ELSIF p_process_run_id IS NOT NULL THEN
    PERFORM fn_dot_refuse('status_invalid', format('the run %s is not concluded yet', p_process_run_id),
      jsonb_build_object('request_id', p_request_id, 'process_run_id', p_process_run_id));
  ELSIF v_request.process_run_id IS NOT NULL THEN
    -- The claim ends here, and the request is not queued again: it is finished once the run is concluded.
    UPDATE dot_run_request r SET claim_token = NULL,
      claimed_until = v_now + make_interval(secs => coalesce(p_retry_after_seconds, 0)), refusal_code = v_refusal
        WHERE r.request_id = p_request_id;
  ELSIF p_retry_after_seconds IS NOT NULL THEN
    UPDATE dot_run_request r SET state = 'waiting', claim_token = NULL,
      not_before = v_now + make_interval(secs => p_retry_after_seconds), refusal_code = v_refusal
        WHERE r.request_id = p_request_id;
  ELSE
    UPDATE dot_run_request r SET state = 'finished', outcome = 'refused', refusal_code = v_refusal, finished_at = v_now
      WHERE r.request_id = p_request_id;
  END IF;
  RETURN true;
END;
$$;
