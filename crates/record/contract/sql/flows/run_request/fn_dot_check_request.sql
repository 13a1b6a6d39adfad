-- A request's run is begun while the request is claimed, and with the requested arguments: a worker that outlived its
-- claim begins no run for a request that was cancelled, refused or abandoned meanwhile. Where another worker has the
-- claim by now, either may begin, and the key lets only one of them succeed. Both use the login that claimed
-- (fn_dot_check_claim_login): the worker could not conclude a run that another login began under its claim. Null means
-- no request. The caller has locked the request.
CREATE OR REPLACE FUNCTION fn_dot_check_request(
  p_request_id uuid, p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_mode text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_request dot_run_request;
BEGIN
  IF p_request_id IS NULL THEN
    RETURN;
  END IF;
  SELECT * INTO v_request FROM dot_run_request r WHERE r.request_id = p_request_id;
  IF (v_request.dot_code, v_request.process_candidate_code, v_request.correlation_id, v_request.mode)
     IS DISTINCT FROM (p_dot_code, p_process_candidate_code, p_correlation_id, p_mode) THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'the idempotency key is that of a request for another run',
      jsonb_build_object('request_id', p_request_id));
  ELSIF v_request.state <> 'claimed' THEN
    PERFORM fn_dot_refuse('lease_lost', format('the request %s is not claimed: it is %s', p_request_id,
        v_request.state),
      jsonb_build_object('request_id', p_request_id, 'state', v_request.state));
  END IF;
  PERFORM fn_dot_check_claim_login(p_request_id, v_request.claimed_login);
END;
$$;
