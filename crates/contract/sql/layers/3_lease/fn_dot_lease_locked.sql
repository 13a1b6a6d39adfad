-- A lease's row as it is once nobody else can change it; nulls where there is none. Raises where another transaction keeps
-- its lock: whoever asks is about to change the lease, and can not.
CREATE OR REPLACE FUNCTION fn_dot_lease_locked(p_lease_name text) RETURNS dot_iu_runtime_lease
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_lease dot_iu_runtime_lease;
BEGIN
  IF NOT fn_dot_lease_lock(p_lease_name) THEN
    PERFORM fn_dot_lease_refuse(p_lease_name);
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    -- The snapshot may be older than the lock, and show a lease that was taken over or given back since: then this fails as
    -- could-not-serialize.
    PERFORM FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name FOR UPDATE;
  END IF;
  SELECT * INTO v_lease FROM dot_iu_runtime_lease l WHERE l.lease_name = p_lease_name;
  RETURN v_lease;
END;
$$;
