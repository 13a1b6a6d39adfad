-- Returns the defect in the search path that a check pins, or null. A path must name pg_temp, and must name it last:
-- otherwise temporary tables of the caller can replace the check's tables. A check without a pinned path runs with the
-- contract's path.
CREATE OR REPLACE FUNCTION fn_dot_check_path_flaw(p_check regprocedure) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_path text;
BEGIN
  SELECT substr(entry, length('search_path=') + 1) INTO v_path
  FROM pg_proc p CROSS JOIN unnest(p.proconfig) entry WHERE p.oid = p_check AND entry LIKE 'search_path=%';
  -- The path as the catalogue stores it, or as the session wrote it before SET … FROM CURRENT: quoted or not, with any
  -- white space.
  RETURN CASE WHEN v_path !~ '(^|, )pg_temp$' OR v_path ~* '(^|,)\s*"?pg_temp(_[0-9]+)?"?\s*,'
    THEN 'pins a search path that does not end with pg_temp' END;
END;
$$;
