-- Returns and locks the request that a run's idempotency key belongs to; null for an ordinary key. Refuses a key of a
-- reserved form that belongs to no request (fn_dot_check_key). Locks before the key is looked up: where two workers
-- begin the run of one request, the second finds the run of the first.
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
  PERFORM fn_dot_refuse('busy', 'another transaction is changing the request of this run');
END;
$$;
