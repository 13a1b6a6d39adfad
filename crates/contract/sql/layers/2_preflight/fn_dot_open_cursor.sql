-- A cursor of this session that a check could read with its caller's rights, move or close; null where there is none.
-- It is not the portal that runs this very call. Loops that the caller's plpgsql opened in this very statement are left
-- out: a check can read on in them (docs/decisions/0032).
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
