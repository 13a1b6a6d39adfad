-- Refuses the reuse of a key with other arguments or by another login. Returning the row of another login would tell
-- the caller that its own call was recorded. Logins are not compared for keys that the contract derives: several
-- workers may begin the run of one request, and several logins may backfill the same file. fn_dot_check_key refuses
-- these keys from every other call.
CREATE OR REPLACE FUNCTION fn_dot_check_key_use(
  p_idempotency_key text, p_what text, p_recorded_by text, p_differs text[], p_detail jsonb) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_is_another_login boolean := p_recorded_by <> session_user AND p_idempotency_key !~ '^(request|backfill):';
  v_differs          text[] := array_remove(p_differs, NULL);
BEGIN
  IF v_is_another_login THEN
    v_differs := v_differs || 'recorded_by'::text;
    p_detail := p_detail || jsonb_build_object('recorded_by', p_recorded_by);
  END IF;
  IF cardinality(v_differs) > 0 THEN
    PERFORM fn_dot_refuse('idempotency_conflict', CASE
        WHEN v_is_another_login
          THEN format('the login %s used the idempotency key for a %s of its own', p_recorded_by, p_what)
        ELSE format('the idempotency key was used for another %s', p_what) END,
      p_detail || jsonb_build_object('differs', to_jsonb(v_differs)));
  END IF;
END;
$$;
