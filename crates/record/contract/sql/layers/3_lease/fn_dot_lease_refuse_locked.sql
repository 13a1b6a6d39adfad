-- Refuses a caller whose wait for a lease's row timed out, and names the open transactions that lock it. No expiry ends
-- such a transaction: an operator of the database has to.
CREATE OR REPLACE FUNCTION fn_dot_lease_refuse_locked(p_lease_name text, p_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_blockers record := fn_dot_lease_blockers(p_lease_name);
BEGIN
  PERFORM fn_dot_refuse(p_code, left(format('an open transaction keeps the lease %s: that of %s', p_lease_name,
        v_blockers.shown), 2000),
    jsonb_build_object('lease_name', p_lease_name, 'blocked_by', v_blockers.blocked_by));
END;
$$;
