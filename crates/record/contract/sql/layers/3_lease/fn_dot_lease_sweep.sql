-- Deletes narrow leases that nobody holds and no run needs, an hour after they ended: what a caller acquired by hand,
-- or left when it died between two calls. Leases that another transaction locks stay.
CREATE OR REPLACE FUNCTION fn_dot_lease_sweep() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_before timestamptz := clock_timestamp() - interval '1 hour';
BEGIN
  DELETE FROM dot_iu_runtime_lease l WHERE l.lease_name IN (
    SELECT x.lease_name FROM dot_iu_runtime_lease x
    WHERE fn_dot_lease_is_narrow(x.lease_name) AND x.process_run_id IS NULL AND x.observed_runs = 0
      AND (x.released_at < v_before OR x.expires_at < v_before)
    FOR UPDATE SKIP LOCKED);
END;
$$;
