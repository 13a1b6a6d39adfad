-- Refuses the first of the named texts that exceeds the limit or has a forbidden character, and names the text with its
-- length or the character. References may have any character, because files do. A dot_code is looked up in the
-- registry, which has only valid ones. A reason, a title and the like are texts for display; all other texts are names
-- (fn_dot_text_flaw). Blank counts as missing.
CREATE OR REPLACE FUNCTION fn_dot_check_text_length(p_limit integer, p_texts jsonb) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_text record;
BEGIN
  FOR v_text IN SELECT t.key, length(t.value) AS length FROM jsonb_each_text(p_texts) t
    WHERE length(t.value) > p_limit LOOP
    PERFORM fn_dot_refuse('text_too_long', format('%s has %s characters, the limit is %s', v_text.key, v_text.length,
        p_limit),
      jsonb_build_object('argument', v_text.key, 'length', v_text.length, 'limit', p_limit));
  END LOOP;
  FOR v_text IN
    SELECT t.key, f.flaw, f.code_point
    FROM jsonb_each_text(p_texts) t
    CROSS JOIN LATERAL fn_dot_text_flaw(t.value,
      t.key NOT IN ('reason', 'title', 'description', 'operation', 'output_namespace', 'endpoint_ref')) f
    -- Printable ASCII needs no further check.
    WHERE t.value !~ '^[!-~]([ -~]*[!-~])?$' COLLATE "C" AND NOT fn_dot_is_blank(t.value)
      AND t.key NOT IN ('dot_code', 'input_ref', 'output_ref', 'error_ref', 'source_ref')
      AND f.flaw IS NOT NULL
  LOOP
    PERFORM fn_dot_refuse('text_invalid', format('%s %s (%s)', v_text.key, v_text.flaw, v_text.code_point),
      jsonb_build_object('argument', v_text.key, 'code_point', v_text.code_point));
  END LOOP;
END;
$$;
