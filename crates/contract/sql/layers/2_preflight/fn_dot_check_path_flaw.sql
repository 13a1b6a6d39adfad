-- What is wrong with the search path that a check pins; null where nothing is. One that does not name pg_temp, or not
-- last, lets the caller's temporary tables stand in for the check's own. A check that pins none runs with the
-- contract's path.
CREATE OR REPLACE FUNCTION fn_dot_check_path_flaw(p_check regprocedure) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_path text;
BEGIN
  SELECT substr(entry, length('search_path=') + 1) INTO v_path
  FROM pg_proc p CROSS JOIN unnest(p.proconfig) entry WHERE p.oid = p_check AND entry LIKE 'search_path=%';
  -- As the catalogue writes a path, or as the session wrote it that set it FROM CURRENT: quoted or not, with any
  -- blanks.
  RETURN CASE WHEN v_path !~ '(^|, )pg_temp$' OR v_path ~* '(^|,)\s*"?pg_temp(_[0-9]+)?"?\s*,'
    THEN 'pins a search path that does not end with pg_temp' END;
END;
$$;
