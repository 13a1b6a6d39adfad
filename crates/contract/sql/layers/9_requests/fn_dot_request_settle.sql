-- What becomes of claims that ran out, their worker being dead or late. One whose run was begun ends with that run's conclusion:
-- until somebody reaped it the request stays as it is, and nobody runs it again. One without a run waits again; the fifth time
-- it is given up, as a request that every worker dies of must not kill them for ever.
CREATE OR REPLACE FUNCTION fn_dot_request_settle() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now     timestamptz := clock_timestamp();
  v_request dot_run_request;
BEGIN
  FOR v_request IN
    SELECT * FROM dot_run_request r WHERE r.state = 'claimed' AND r.claimed_until <= v_now FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    IF v_request.process_run_id IS NOT NULL THEN
      UPDATE dot_run_request r SET state = 'finished', outcome = 'concluded', refusal_code = NULL, finished_at = v_now
      WHERE r.request_id = v_request.request_id
        AND EXISTS (SELECT FROM process_run_conclusion c WHERE c.process_run_id = v_request.process_run_id);
    ELSIF v_request.claims_lost >= 4 THEN
      UPDATE dot_run_request r SET state = 'finished', outcome = 'gave_up', claims_lost = r.claims_lost + 1, finished_at = v_now
      WHERE r.request_id = v_request.request_id;
    ELSE
      UPDATE dot_run_request r SET state = 'waiting', claim_token = NULL, claims_lost = r.claims_lost + 1
      WHERE r.request_id = v_request.request_id;
    END IF;
  END LOOP;
END;
$$;
