-- Refuses what these checks block, [{"check_name", "cnt"}, …], naming each with its count; nothing where there is none.
CREATE OR REPLACE FUNCTION fn_dot_preflight_refuse(p_blocking jsonb) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  IF p_blocking <> '[]' THEN
    PERFORM fn_dot_refuse('preflight_blocked', 'preflight blocked: ' || (
      SELECT string_agg(format('%s (%s)', b ->> 'check_name', coalesce(b ->> 'cnt', 'no answer')), ', ' ORDER BY b ->> 'check_name')
      FROM jsonb_array_elements(p_blocking) b), jsonb_build_object('checks', p_blocking));
  END IF;
END;
$$;
