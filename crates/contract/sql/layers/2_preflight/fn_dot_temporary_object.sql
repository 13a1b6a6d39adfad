-- A temporary table, view, sequence or type of this session, which could stand in for what a check reads; null where
-- there is none. A check that pins a search path without pg_temp finds temporary tables first, and so does each
-- function that it calls: what the caller made would be counted, and a view of it would run the caller's functions with
-- the checker's rights.
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
