-- Removes the session state of a check that no rollback removes: prepared statements, and the advisory locks of a
-- registered check. Returns what was removed, or null.
CREATE OR REPLACE FUNCTION fn_dot_preflight_undo(p_statements jsonb, p_is_registered boolean) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_left text;
BEGIN
  -- Locks first: where the check filled the server's lock table, no query can run.
  IF p_is_registered AND fn_dot_session_locks_release() THEN
    v_left := 'left a lock of the session';
  END IF;
  IF fn_dot_prepared_statements_restore(p_statements) THEN
    v_left := concat_ws(', ', v_left, 'changed prepared statements of the session');
  END IF;
  RETURN v_left;
END;
$$;
