-- Requeues requests of these modes whose claim expired before a run was begun.
CREATE OR REPLACE FUNCTION fn_dot_request_requeue_lost(p_modes text[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now     timestamptz := clock_timestamp();
  v_request record;
BEGIN
  FOR v_request IN
    SELECT x.request_id FROM dot_run_request x
    WHERE x.state = 'claimed' AND x.claimed_until <= v_now AND x.mode = ANY (p_modes) AND x.process_run_id IS NULL
      AND x.claims_lost < 4
    FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    UPDATE dot_run_request r SET state = 'waiting', claim_token = NULL, claims_lost = r.claims_lost + 1
    WHERE r.request_id = v_request.request_id;
  END LOOP;
END;
$$;
