-- Returns a temporary table, view, sequence or type of this session that could replace an object which a check reads,
-- or null. A check that pins a search path without pg_temp resolves temporary tables first, and so does each function
-- that it calls. It would count rows of the caller's table, and a temporary view would run the caller's functions with
-- the checker's privileges.
CREATE OR REPLACE FUNCTION fn_dot_temporary_object() RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  IF pg_my_temp_schema() = 0 THEN
    RETURN NULL;
  END IF;
  -- A sequence has no row in pg_type.
  RETURN (SELECT n.name FROM (
            SELECT t.typname AS name FROM pg_type t WHERE t.typnamespace = pg_my_temp_schema()
            UNION ALL
            SELECT c.relname FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema()) AS n
          ORDER BY n.name LIMIT 1);
END;
$$;
