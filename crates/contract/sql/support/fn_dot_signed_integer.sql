-- An unsigned 32-bit number, as the catalogue shows halves of keys, as the integer of the same bits.
CREATE OR REPLACE FUNCTION fn_dot_signed_integer(p_unsigned bigint) RETURNS integer
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN CASE WHEN p_unsigned > 2147483647 THEN p_unsigned - 4294967296 ELSE p_unsigned END;
END;
$$;
