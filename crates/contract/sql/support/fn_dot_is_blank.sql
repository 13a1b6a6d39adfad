-- Blank counts as missing: null, empty, or nothing but white space and characters that show nothing.
CREATE OR REPLACE FUNCTION fn_dot_is_blank(p_text text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
#variable_conflict use_column
BEGIN
  -- Most texts have a letter of ASCII.
  IF p_text ~ '[!-~]' COLLATE "C" THEN
    RETURN false;
  END IF;
  RETURN coalesce(btrim(p_text, fn_dot_whitespace()) !~ ('[^ ' || fn_dot_invisible() || ']') COLLATE "C", true);
END;
$$;
