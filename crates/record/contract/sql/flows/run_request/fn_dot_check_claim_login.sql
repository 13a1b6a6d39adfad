-- Only the login that claimed a request, or an operator, begins and finishes it.
CREATE OR REPLACE FUNCTION fn_dot_check_claim_login(p_request_id uuid, p_claimed_login text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_claimed_login <> session_user AND NOT fn_dot_login_is('operator') THEN
    PERFORM fn_dot_refuse('login_mismatch', format('the request %s was claimed by another login', p_request_id),
      jsonb_build_object('request_id', p_request_id));
  END IF;
END;
$$;
