-- Runs every enabled check and returns the results, for operators. It writes nothing, so that a reader with an open
-- transaction blocks no other session. BLOCK where no check is enabled.
CREATE OR REPLACE FUNCTION fn_dot_preflight()
RETURNS TABLE (check_name text, cnt bigint, severity text, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  -- Reads the list before any check runs: a check could fetch from a loop over this query and hide other checks.
  v_names  text[] := ARRAY(SELECT c.check_name FROM dot_preflight_check c WHERE c.enabled ORDER BY c.check_name);
  v_name   text;
  v_answer record;
BEGIN
  FOREACH v_name IN ARRAY v_names LOOP
    v_answer := fn_dot_preflight_check_result(v_name, false);
    check_name := v_name; cnt := v_answer.cnt; status := v_answer.status;
    severity := (SELECT c.severity FROM dot_preflight_check c WHERE c.check_name = v_name);
    RETURN NEXT;
  END LOOP;
  IF v_names = '{}' THEN
    check_name := 'no_enabled_check'; cnt := 0; severity := 'critical'; status := 'BLOCK';
    RETURN NEXT;
  END IF;
END;
$$;
