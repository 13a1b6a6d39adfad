-- Every enabled check, asked now: what an operator looks at. It writes nothing down, so that a reader who leaves its
-- transaction open keeps nobody waiting. No enabled check at all is a BLOCK too.
CREATE OR REPLACE FUNCTION fn_dot_preflight()
RETURNS TABLE (check_name text, cnt bigint, severity text, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
  -- Read before any check is asked: a check could read on in a loop over a query, and hide others.
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
