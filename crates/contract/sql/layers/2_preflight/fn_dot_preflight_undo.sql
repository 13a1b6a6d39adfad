-- Takes back what a check left in the session and no undoing takes back: prepared statements, and the advisory locks of
-- a registered check. Says what was left; null where nothing was.
CREATE OR REPLACE FUNCTION fn_dot_preflight_undo(p_statements jsonb, p_is_registered boolean) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_left text;
BEGIN
  -- Locks first: where the check has filled the server's lock table, nothing else can be looked at.
  IF p_is_registered AND fn_dot_session_locks_release() THEN
    v_left := 'left a lock of the session';
  END IF;
  IF fn_dot_prepared_statements_restore(p_statements) THEN
    v_left := concat_ws(', ', v_left, 'changed prepared statements of the session');
  END IF;
  RETURN v_left;
END;
$$;
