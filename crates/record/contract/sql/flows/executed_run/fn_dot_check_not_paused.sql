-- Refuses a run of a tool that an operator paused, or of its pair. Requests for it wait.
CREATE OR REPLACE FUNCTION fn_dot_check_not_paused(p_dot_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_paused record;
BEGIN
  SELECT p.dot_code, p.paused_until, p.paused_by, p.pause_reason INTO v_paused
  FROM dot_tools t JOIN dot_tools p ON p.dot_code IN (t.dot_code, t.paired_dot)
  WHERE t.dot_code = p_dot_code AND p.paused_until > clock_timestamp()
  ORDER BY p.paused_until DESC LIMIT 1;
  IF FOUND THEN
    PERFORM fn_dot_refuse('tool_paused', left(format('%s paused %s%s: %s', v_paused.paused_by, v_paused.dot_code,
        CASE WHEN isfinite(v_paused.paused_until) THEN format(' until %s', v_paused.paused_until) ELSE '' END,
        v_paused.pause_reason), 2000),
      jsonb_build_object('dot_code', v_paused.dot_code, 'paused_until', v_paused.paused_until));
  END IF;
END;
$$;
