-- Returns the text, or null where it is blank.
CREATE OR REPLACE FUNCTION fn_dot_null_if_blank(p_text text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN CASE WHEN NOT fn_dot_is_blank(p_text) THEN p_text END;
END;
$$;
