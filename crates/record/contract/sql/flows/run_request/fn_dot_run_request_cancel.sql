-- Cancels a request that is queued, or whose claim expired before a run was begun. No worker begins a run for it
-- afterwards, not even the one with the expired claim. The request keeps actor and reason. Returns false where there
-- was nothing to cancel.
CREATE OR REPLACE FUNCTION fn_dot_run_request_cancel(p_request_id uuid, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz;
BEGIN
  IF fn_dot_is_blank(p_actor) THEN
    PERFORM fn_dot_refuse('actor_required', 'the actor (p_actor) is missing');
  ELSIF fn_dot_is_blank(p_reason) THEN
    PERFORM fn_dot_refuse('reason_required', 'the reason (p_reason) is missing');
  END IF;
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('actor', p_actor));
  PERFORM fn_dot_check_text_length(2000, jsonb_build_object('reason', p_reason));
  -- The subtransaction releases the request's row lock where nothing is cancelled.
  BEGIN
    PERFORM fn_dot_request_locked(p_request_id);
    v_now := clock_timestamp();
    UPDATE dot_run_request r SET state = 'cancelled', claim_token = NULL, cancelled_by = p_actor,
      cancelled_recorded_by = session_user, cancel_reason = p_reason, finished_at = v_now
    WHERE r.request_id = p_request_id
      AND (r.state = 'waiting' OR r.state = 'claimed' AND r.process_run_id IS NULL AND r.claimed_until <= v_now);
    IF FOUND THEN
      RETURN true;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
    RETURN false;
  END;
END;
$$;
