-- Refuses a DOT that is not the producer of a complete pair, and names the reason.
CREATE OR REPLACE FUNCTION fn_dot_refuse_pair(p_dot_code text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_tool dot_tools;
BEGIN
  PERFORM fn_dot_check_text_length(200, jsonb_build_object('dot_code', p_dot_code));
  SELECT * INTO v_tool FROM dot_tools t WHERE t.dot_code = p_dot_code;
  IF NOT FOUND THEN
    PERFORM fn_dot_refuse('unknown_dot', format('there is no DOT %L', left(p_dot_code, 200)),
      jsonb_build_object('dot_code', left(p_dot_code, 200)));
  ELSIF v_tool.pair_role = 'verifier' THEN
    PERFORM fn_dot_refuse('not_a_producer', format('%s is the verifier of %s', p_dot_code, v_tool.paired_dot),
      jsonb_build_object('dot_code', p_dot_code, 'producer', v_tool.paired_dot));
  END IF;
  PERFORM fn_dot_refuse('pair_incomplete', format('%s has no verifier', p_dot_code),
    jsonb_build_object('dot_code', p_dot_code));
END;
$$;
