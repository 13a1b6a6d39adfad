-- Refuses a run or a request for a retired tool or for its pair. The tool's records stay.
CREATE OR REPLACE FUNCTION fn_dot_check_not_retired(p_dot_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_retired text;
BEGIN
  SELECT r.dot_code INTO v_retired
  FROM dot_tools t JOIN dot_tools r ON r.dot_code IN (t.dot_code, t.paired_dot)
  WHERE t.dot_code = p_dot_code AND r.is_retired ORDER BY r.dot_code = p_dot_code DESC LIMIT 1;
  IF FOUND THEN
    PERFORM fn_dot_refuse('tool_retired', format('%s is retired', v_retired),
      jsonb_build_object('dot_code', v_retired));
  END IF;
END;
$$;
