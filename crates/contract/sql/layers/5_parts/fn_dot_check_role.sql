-- A DOT is recorded in the role that the registry gives it, and in a run of its own pair.
CREATE OR REPLACE FUNCTION fn_dot_check_role(p_dot_code text, p_component_role text, p_run_dot_code text) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  v_tool dot_tools;
BEGIN
  SELECT * INTO v_tool FROM dot_tools t WHERE t.dot_code = p_dot_code;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('unknown_dot', format('there is no DOT %L', left(p_dot_code, 200)), jsonb_build_object('dot_code', left(p_dot_code, 200)));
  ELSIF v_tool.pair_role <> p_component_role THEN
    PERFORM fn_dot_refuse('role_invalid', format('%s is a %s, not a %s', p_dot_code, v_tool.pair_role, p_component_role));
  ELSIF p_run_dot_code IS NOT NULL
        AND p_run_dot_code IS DISTINCT FROM (CASE p_component_role WHEN 'producer' THEN p_dot_code ELSE v_tool.paired_dot END) THEN
    PERFORM fn_dot_refuse('role_invalid', format('%s is not the %s of a run of %s', p_dot_code, p_component_role, p_run_dot_code));
  END IF;
END;
$$;
