-- The gates' advisory lock of this installation: two schemas of one database do not wait for each other.
CREATE OR REPLACE FUNCTION fn_dot_gate_lock_key() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN hashtextextended('dotwrap gates of ' || current_schema(), 0);
END;
$$;
