-- Blank counts as missing: null, empty, or only white space.
CREATE OR REPLACE FUNCTION fn_dot_is_blank(p_text text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
#variable_conflict use_column
BEGIN
  RETURN coalesce(btrim(p_text, fn_dot_whitespace()) = '', true);
END;
$$;
