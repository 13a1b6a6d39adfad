-- Finishes requests whose claim expired and that are not run again. A request whose run was begun ends with the run's
-- conclusion (fn_dot_request_conclude); until the run is reaped it stays claimed. A request without a run is abandoned
-- after five claims, so that a request that crashes every worker does not do so forever.
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
    IF v_request.process_run_id IS NOT NULL THEN
      PERFORM fn_dot_request_conclude(v_request.request_id, v_now);
    ELSE
      UPDATE dot_run_request r
      SET state = 'finished', finished_at = v_now, refusal_code = NULL, outcome = 'abandoned',
          claims_lost = r.claims_lost + 1
      WHERE r.request_id = v_request.request_id;
    END IF;
  END LOOP;
END;
$$;
