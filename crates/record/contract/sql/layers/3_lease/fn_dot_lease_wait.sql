-- Waits for the transaction that locks a lease's row, at most five seconds, or refuses. It does not wait where a
-- committed call holds the lease.
CREATE OR REPLACE FUNCTION fn_dot_lease_wait(p_lease_name text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF EXISTS (SELECT FROM dot_iu_runtime_lease l
             WHERE l.lease_name = p_lease_name AND l.released_at IS NULL AND l.expires_at > clock_timestamp()) THEN
    PERFORM fn_dot_lease_refuse(p_lease_name);
  ELSIF NOT fn_dot_lease_lock_free(p_lease_name) THEN
    PERFORM fn_dot_lease_refuse_locked(p_lease_name, 'lease_held');
  END IF;
END;
$$;
