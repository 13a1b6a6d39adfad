-- A request's run is begun while the request is claimed, and as it was asked for: a worker that slept through its claim begins
-- nothing for a request that was cancelled, refused or given up meanwhile. One that wakes up while another has the claim may
-- begin: the key sees to it that only one of the two does.
CREATE OR REPLACE FUNCTION fn_dot_check_request(
  p_request dot_run_request, p_dot_code text, p_process_candidate_code text, p_correlation_id text, p_mode text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  IF p_request.request_id IS NULL THEN
    RETURN;
  ELSIF (p_request.dot_code, p_request.process_candidate_code, p_request.correlation_id, p_request.mode)
        IS DISTINCT FROM (p_dot_code, p_process_candidate_code, p_correlation_id, p_mode) THEN
    PERFORM fn_dot_refuse('idempotency_conflict', 'the idempotency key is that of a request for another run',
      jsonb_build_object('request_id', p_request.request_id));
  ELSIF p_request.state <> 'claimed' THEN
    PERFORM fn_dot_refuse('lease_lost', format('the request %s is not claimed: it is %s', p_request.request_id, p_request.state),
      jsonb_build_object('request_id', p_request.request_id, 'state', p_request.state));
  END IF;
END;
$$;
