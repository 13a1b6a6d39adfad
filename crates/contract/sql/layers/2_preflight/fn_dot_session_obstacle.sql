-- What this session holds that keeps a check of others from being asked; null where there is nothing. A check could read a cursor
-- with its caller's rights, move or close it. A temporary object of the caller's can stand in the place of what a function counts
-- that the check calls: whatever pins a path without pg_temp looks there first.
--
-- The portal that runs this very call is no obstacle. Neither is a loop of the caller's own plpgsql: a check can read on in it
-- (docs/decisions/0032).
CREATE OR REPLACE FUNCTION fn_dot_session_obstacle() RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_cursor text;
BEGIN
  SELECT c.name INTO v_cursor FROM pg_cursor() c
  WHERE c.name <> '' AND c.name NOT LIKE '<unnamed portal %'
    AND NOT (c.statement = current_query() AND c.statement !~* '\mdeclare\M')
  ORDER BY c.name LIMIT 1;
  IF FOUND THEN
    RETURN format('the cursor %I of this session is open', v_cursor);
  ELSIF EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = pg_my_temp_schema())
        OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema()) THEN
    RETURN 'this session has temporary objects';
  END IF;
  RETURN NULL;
END;
$$;
