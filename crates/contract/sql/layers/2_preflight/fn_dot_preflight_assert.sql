-- Asks these checks, and refuses where any of them blocks, naming each that does with its count.
CREATE OR REPLACE FUNCTION fn_dot_preflight_assert(p_checks dot_preflight_check[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_check    dot_preflight_check;
  v_answer   record;
  v_blocking jsonb := '[]';
BEGIN
  FOREACH v_check IN ARRAY p_checks LOOP
    v_answer := fn_dot_preflight_answer(v_check);
    IF v_answer.status = 'BLOCK' THEN
      v_blocking := v_blocking || jsonb_build_object('check_name', v_check.check_name, 'cnt', v_answer.cnt);
    END IF;
  END LOOP;
  IF v_blocking <> '[]' THEN
    PERFORM fn_dot_refuse('preflight_blocked', 'preflight blocked: ' || (
      SELECT string_agg(format('%s (%s)', b ->> 'check_name', coalesce(b ->> 'cnt', 'no answer')), ', ' ORDER BY b ->> 'check_name')
      FROM jsonb_array_elements(v_blocking) b), jsonb_build_object('checks', v_blocking));
  END IF;
END;
$$;
