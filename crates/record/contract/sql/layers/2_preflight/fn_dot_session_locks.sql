-- Returns the advisory locks that this session holds.
CREATE OR REPLACE FUNCTION fn_dot_session_locks() RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN ARRAY(SELECT concat_ws(' ', l.classid, l.objid, l.objsubid, l.mode) FROM pg_locks l
               WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.granted
                 AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
END;
$$;
