-- The id of the request that a run's idempotency key belongs to, locked; null where the key is an ordinary one. A key
-- of a reserved form that belongs to no request is refused (fn_dot_check_key). Locked before the key is
-- looked up: of two workers that begin the same request's run, the second finds the first one's.
CREATE OR REPLACE FUNCTION fn_dot_request_by_run_key(p_idempotency_key text) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  v_request_id uuid;
BEGIN
  IF p_idempotency_key ~ '^request:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT r.request_id INTO v_request_id FROM dot_run_request r
    WHERE r.request_id = substr(p_idempotency_key, length('request:') + 1)::uuid FOR NO KEY UPDATE;
  END IF;
  IF v_request_id IS NULL THEN
    PERFORM fn_dot_check_key(p_idempotency_key);
  END IF;
  RETURN v_request_id;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  PERFORM fn_dot_refuse('busy', 'another transaction is just changing the request of this run');
END;
$$;
