-- Refuses a caller that waited in vain for a lease's row, with the open transactions that keep it. Nobody's lease, and
-- no clock, ends such a transaction: an operator of the database does.
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
