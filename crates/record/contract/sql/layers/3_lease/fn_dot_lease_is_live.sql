-- Whether a lease is held and has not expired by the current clock. Its holder calls it after it locked the row.
CREATE OR REPLACE FUNCTION fn_dot_lease_is_live(p_lease_name text) RETURNS boolean
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN EXISTS (SELECT FROM dot_iu_runtime_lease l
                 WHERE l.lease_name = p_lease_name AND l.released_at IS NULL AND l.expires_at > v_now);
END;
$$;
