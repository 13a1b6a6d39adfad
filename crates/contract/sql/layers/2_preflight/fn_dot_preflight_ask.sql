-- Asks one check how much it finds. Owned by the checker's role and SECURITY DEFINER, so that a registered check, which
-- is code that somebody wrote, runs with rights to read and no ledger function. Raises whatever the check raises.
CREATE OR REPLACE FUNCTION fn_dot_preflight_ask(p_count_query text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_check regprocedure := to_regprocedure(p_count_query || '()');
  v_count bigint;
BEGIN
  IF v_check IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_function', MESSAGE = format('there is no function %s()', p_count_query);
  END IF;
  -- The name comes from the catalogue, quoted by it; no text of a caller is executed.
  EXECUTE format('SELECT %s', v_check) INTO v_count;
  RETURN v_count;
END;
$$;
