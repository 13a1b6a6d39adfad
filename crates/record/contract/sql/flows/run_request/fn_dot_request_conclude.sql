-- Ends one attempt of a claimed request, whose run is concluded: the request is finished, or waits for the next
-- attempt. Another attempt follows where the run did not pass, attempts are left, and fn_dot_retry_check allows one;
-- after the request's backoff, doubled with each attempt, with a jitter of a fifth, at most a day. A run that a worker
-- stopped because it was itself stopped does not count as an attempt, and the request waits again at once. The caller
-- has locked the request.
CREATE OR REPLACE FUNCTION fn_dot_request_conclude(p_request_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_request  record;
  v_stops    integer;
  v_is_again boolean := false;
  v_wait     double precision;
BEGIN
  SELECT q.attempt, q.stops, q.max_attempts, q.backoff, q.process_run_id, v.verdict,
    fn_dot_run_was_interrupted(q.process_run_id) AS is_stopped
  INTO v_request
  FROM dot_run_request q JOIN v_process_run v ON v.process_run_id = q.process_run_id
  WHERE q.request_id = p_request_id;
  v_stops := v_request.stops + CASE WHEN v_request.is_stopped THEN 1 ELSE 0 END;
  IF v_request.verdict IS DISTINCT FROM 'pass' AND v_request.attempt - v_stops < v_request.max_attempts THEN
    SELECT c.refusal_code IS NULL INTO v_is_again FROM fn_dot_retry_check(v_request.process_run_id) c;
  END IF;
  IF NOT v_is_again THEN
    UPDATE dot_run_request r
    SET state = 'finished', outcome = 'concluded', refusal_code = NULL, finished_at = p_now, stops = v_stops
    WHERE r.request_id = p_request_id;
    RETURN;
  END IF;
  v_wait := CASE WHEN v_request.is_stopped THEN 0 ELSE least(86400, extract(epoch FROM v_request.backoff)
    * power(2, least(v_request.attempt - v_stops - 1, 20)) * (0.8 + 0.4 * random())) END;
  UPDATE dot_run_request r
  -- The token stays until the next claim: the worker's repeated call then learns that its first one was heard.
  SET state = 'waiting', last_run_id = r.process_run_id, process_run_id = NULL, stops = v_stops,
      refusal_code = NULL, not_before = p_now + make_interval(secs => v_wait)
  WHERE r.request_id = p_request_id;
  PERFORM fn_dot_notify('dotwrap_request');
END;
$$;
