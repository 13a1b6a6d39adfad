-- Returns a cursor of this session that a check could read with its caller's privileges, move or close, or null. The
-- portal of the running call is excluded. Loops of the caller's PL/pgSQL in the running statement are not detected: a
-- check can fetch from them (docs/decisions/0032).
CREATE OR REPLACE FUNCTION fn_dot_open_cursor() RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN (SELECT c.name FROM pg_cursor() c
          WHERE c.name <> '' AND (c.name NOT LIKE '<unnamed portal %' OR c.creation_time < statement_timestamp())
            AND NOT (c.statement = current_query() AND c.statement !~* '\mdeclare\M')
          ORDER BY c.name LIMIT 1);
END;
$$;
