-- Every enabled check, asked now: what an operator looks at. It writes nothing down, so that a reader who leaves its transaction
-- open keeps nobody waiting. No enabled check at all is a BLOCK too.
CREATE OR REPLACE FUNCTION fn_dot_preflight()
RETURNS TABLE (check_name text, cnt bigint, severity text, status text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_check  record;
  v_answer record;
  v_asked  boolean := false;
BEGIN
  FOR v_check IN SELECT c.check_name, c.severity FROM dot_preflight_check c WHERE c.enabled ORDER BY c.check_name LOOP
    v_answer := fn_dot_preflight_answer(v_check.check_name, false);
    check_name := v_check.check_name; cnt := v_answer.cnt; severity := v_check.severity; status := v_answer.status;
    RETURN NEXT;
    v_asked := true;
  END LOOP;
  IF NOT v_asked THEN
    check_name := 'no_enabled_check'; cnt := 0; severity := 'critical'; status := 'BLOCK';
    RETURN NEXT;
  END IF;
END;
$$;
