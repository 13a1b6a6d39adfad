-- Releases every session-level advisory lock, and returns whether there was one. A registered check runs only where the
-- session holds none, so each of them is the check's. Transaction-level locks end with the check's subtransaction.
CREATE OR REPLACE FUNCTION fn_dot_session_locks_release() RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_is_left boolean;
BEGIN
  BEGIN
    v_is_left := cardinality(fn_dot_session_locks()) > 0;
  EXCEPTION WHEN OTHERS THEN
    -- Reading pg_locks takes locks itself, which fails where the check filled the server's lock table.
    v_is_left := true;
  END;
  PERFORM pg_advisory_unlock_all();
  RETURN v_is_left;
END;
$$;
