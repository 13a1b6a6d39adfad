-- Takes back what a check left in the session and no undoing takes back: prepared statements and advisory locks. Says what was
-- left; null where nothing was.
CREATE OR REPLACE FUNCTION fn_dot_preflight_undo(p_locks text[], p_statements jsonb) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_left text;
BEGIN
  IF fn_dot_prepared_statements_restore(p_statements) THEN
    v_left := 'changed prepared statements of the session';
  END IF;
  IF fn_dot_session_locks_release(p_locks) THEN
    v_left := concat_ws(', ', v_left, 'left a lock of the session');
  ELSIF NOT p_locks <@ fn_dot_session_locks() THEN
    v_left := concat_ws(', ', v_left, 'gave back locks of the session');
  END IF;
  RETURN v_left;
END;
$$;
