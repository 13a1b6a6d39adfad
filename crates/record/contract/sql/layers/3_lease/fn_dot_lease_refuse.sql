-- Refuses with lease_held. Names the holder and the expiry, as far as they are committed.
CREATE OR REPLACE FUNCTION fn_dot_lease_refuse(p_lease_name text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_lease record;
BEGIN
  SELECT l.lease_holder, l.expires_at, l.acquired_at, l.process_run_id, l.holder_process INTO v_lease
    FROM dot_iu_runtime_lease l
    WHERE l.lease_name = p_lease_name AND l.released_at IS NULL;
  PERFORM fn_dot_refuse('lease_held', format('the lease %s is held', p_lease_name),
    jsonb_build_object('lease_name', p_lease_name, 'lease_holder', v_lease.lease_holder,
      'expires_at', v_lease.expires_at, 'acquired_at', v_lease.acquired_at,
      'process_run_id', v_lease.process_run_id, 'holder_process', v_lease.holder_process));
END;
$$;
