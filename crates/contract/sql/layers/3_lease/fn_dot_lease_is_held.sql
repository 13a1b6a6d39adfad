-- A plain look at whether somebody holds a lease: whoever would be refused anyway writes and waits for nothing.
CREATE OR REPLACE FUNCTION fn_dot_lease_is_held(p_lease_name text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN EXISTS (SELECT FROM dot_iu_runtime_lease l
                 WHERE l.lease_name = p_lease_name AND l.released_at IS NULL AND l.expires_at > clock_timestamp());
END;
$$;
