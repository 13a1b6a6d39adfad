-- Refuses the first of the named texts that is longer than the limit, naming it and its length; returns if none is.
CREATE OR REPLACE FUNCTION fn_dot_refuse_long_text(p_limit integer, p_texts jsonb) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_text record;
BEGIN
  FOR v_text IN SELECT t.key, length(t.value) AS length FROM jsonb_each_text(p_texts) t WHERE length(t.value) > p_limit LOOP
    PERFORM fn_dot_refuse('text_too_long', format('%s has %s characters, the limit is %s', v_text.key, v_text.length, p_limit),
      jsonb_build_object('argument', v_text.key, 'length', v_text.length, 'limit', p_limit));
  END LOOP;
END;
$$;
