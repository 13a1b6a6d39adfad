-- Ends the pause of a DOT. Returns false where it was not paused.
CREATE OR REPLACE FUNCTION fn_dot_tool_resume(p_dot_code text, p_actor text, p_reason text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  RETURN fn_dot_tool_set_pause(p_dot_code, p_actor, p_reason, NULL);
END;
$$;
