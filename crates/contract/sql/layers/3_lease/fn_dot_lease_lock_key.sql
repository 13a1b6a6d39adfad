-- The advisory lock of one lease in this installation.
CREATE OR REPLACE FUNCTION fn_dot_lease_lock_key(p_lease_name text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN hashtextextended(current_schema() || ' lease ' || p_lease_name, 0);
END;
$$;
