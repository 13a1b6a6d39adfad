-- Checks that a DOT is recorded in the role that the registry assigns to it, and in a run of its own pair. The pair is
-- that of the header's DOT (p_run_dot_code), or else that of the component that exists already.
CREATE OR REPLACE FUNCTION fn_dot_check_role(
  p_dot_code text, p_component_role text, p_process_run_id uuid, p_run_dot_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_pair_role  text;
  v_paired_dot text;
  v_producer   text;
  v_other      text;
BEGIN
  SELECT t.pair_role, t.paired_dot INTO v_pair_role, v_paired_dot FROM dot_tools t WHERE t.dot_code = p_dot_code;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('unknown_dot', format('there is no DOT %L', left(p_dot_code, 200)),
      jsonb_build_object('dot_code', left(p_dot_code, 200)));
  ELSIF coalesce(v_pair_role, 'producer') <> p_component_role THEN
    PERFORM fn_dot_refuse('role_invalid',
      format('%s is %s, not a %s', p_dot_code, coalesce('a ' || v_pair_role, 'of no pair'), p_component_role));
  END IF;
  v_producer := CASE p_component_role WHEN 'producer' THEN p_dot_code ELSE v_paired_dot END;
  IF p_run_dot_code IS NULL THEN
    SELECT c.dot_code INTO v_other FROM process_component_observation c
    WHERE c.process_run_id = p_process_run_id AND c.component_role <> p_component_role;
  END IF;
  IF p_run_dot_code <> v_producer OR v_other <> coalesce(v_paired_dot, '') THEN
    PERFORM fn_dot_refuse('role_invalid', format('%s is not the %s of a run of %s', p_dot_code, p_component_role,
      coalesce(p_run_dot_code, v_other)));
  END IF;
END;
$$;
