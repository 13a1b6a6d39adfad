-- Finishes requests whose claim expired and that are not run again. A request whose run was begun ends with the run's
-- conclusion; until the run is reaped it stays claimed. A request without a run is abandoned after five claims, so that
-- a request that crashes every worker does not do so forever.
CREATE OR REPLACE FUNCTION fn_dot_request_finish_lost() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now     timestamptz := clock_timestamp();
  v_request record;
BEGIN
  FOR v_request IN
    SELECT x.request_id, x.process_run_id FROM dot_run_request x
    WHERE x.state = 'claimed' AND x.claimed_until <= v_now
      AND CASE WHEN x.process_run_id IS NULL THEN x.claims_lost >= 4
        ELSE EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = x.process_run_id) END
    FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    UPDATE dot_run_request r
    SET state = 'finished', finished_at = v_now, refusal_code = NULL,
        outcome = CASE WHEN r.process_run_id IS NULL THEN 'abandoned' ELSE 'concluded' END,
        claims_lost = r.claims_lost + CASE WHEN r.process_run_id IS NULL THEN 1 ELSE 0 END
    WHERE r.request_id = v_request.request_id;
  END LOOP;
END;
$$;
