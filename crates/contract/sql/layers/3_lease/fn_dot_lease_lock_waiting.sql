-- The slow path of fn_dot_lease_lock: the row is locked by another transaction, or there is none yet.
CREATE OR REPLACE FUNCTION fn_dot_lease_lock_waiting(p_lease_name text) RETURNS dot_iu_runtime_lease
LANGUAGE plpgsql SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
DECLARE
  v_lease dot_iu_runtime_lease;
BEGIN
  -- Two first callers meet here: one makes the row, the other waits for that and finds it. Nothing holds a lease whose
  -- expiry lies before all time.
  INSERT INTO dot_iu_runtime_lease (lease_name, lease_holder, lease_token, acquired_at, expires_at, released_at, acquisitions)
  VALUES (p_lease_name, '', gen_random_uuid(), '-infinity', '-infinity', '-infinity', 0)
  ON CONFLICT (lease_name) DO NOTHING;
  SELECT * INTO v_lease FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name FOR UPDATE;
  RETURN v_lease;
EXCEPTION WHEN lock_not_available THEN
  RETURN NULL;
END;
$$;
