-- Extends a claim from now. Returns false where the token does not hold the claim, or the claim expired: another worker
-- may be about to claim the request, so this one stops.
CREATE OR REPLACE FUNCTION fn_dot_run_request_renew(p_request_id uuid, p_claim_token uuid, p_ttl_seconds integer)
  RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_request dot_run_request;
  v_now     timestamptz;
BEGIN
  PERFORM fn_dot_lease_check_arguments('dot_exec', 'the claim''s', p_ttl_seconds);
  -- A token that is not the claim's locks nothing.
  IF p_claim_token IS NULL OR NOT EXISTS (
       SELECT FROM dot_run_request r WHERE r.request_id = p_request_id
         AND r.claim_token = fn_dot_token_digest(p_claim_token)) THEN
    RETURN false;
  END IF;
  PERFORM fn_dot_request_locked(p_request_id);
  SELECT * INTO v_request FROM dot_run_request r WHERE r.request_id = p_request_id;
  v_now := clock_timestamp();
  IF v_request.state IS DISTINCT FROM 'claimed'
    OR v_request.claim_token IS DISTINCT FROM fn_dot_token_digest(p_claim_token)
     OR v_request.claimed_until <= v_now THEN
    RETURN false;
  END IF;
  UPDATE dot_run_request r SET claimed_until = v_now + make_interval(secs => p_ttl_seconds)
    WHERE r.request_id = p_request_id;
  RETURN true;
END;
$$;
