-- Gives back every advisory lock of this session, and says whether there was one. A registered check is asked only
-- where the session holds none, so each is the check's. Those of the transaction are gone with the check's
-- subtransaction.
CREATE OR REPLACE FUNCTION fn_dot_session_locks_release() RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_is_left boolean;
BEGIN
  BEGIN
    v_is_left := cardinality(fn_dot_session_locks()) > 0;
  EXCEPTION WHEN OTHERS THEN
    -- Looking takes locks itself, and the check has filled the server's lock table.
    v_is_left := true;
  END;
  PERFORM pg_advisory_unlock_all();
  RETURN v_is_left;
END;
$$;
