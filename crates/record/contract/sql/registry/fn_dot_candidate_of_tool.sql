-- The candidate that an import entry declares its producer for; null where it is no producer or names none.
CREATE OR REPLACE FUNCTION fn_dot_candidate_of_tool(p_tool jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_tool ->> 'pair_role' = 'producer'
      AND jsonb_typeof(p_tool -> 'extra_metadata' -> 'process_candidate_code') = 'string'
      AND NOT fn_dot_is_blank(p_tool -> 'extra_metadata' ->> 'process_candidate_code')
    THEN p_tool -> 'extra_metadata' ->> 'process_candidate_code' END;
$$;
