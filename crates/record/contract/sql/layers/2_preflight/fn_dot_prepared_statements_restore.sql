-- Deallocates the prepared statements of this session that are new or changed. Returns true where there were any, or
-- where one is missing. A client that executes a deallocated statement receives an error that it does not exist; it
-- never executes a replaced text.
CREATE OR REPLACE FUNCTION fn_dot_prepared_statements_restore(p_before jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_now        jsonb := fn_dot_prepared_statements();
  v_name       text;
  v_is_changed boolean := v_now IS DISTINCT FROM p_before;
BEGIN
  IF NOT v_is_changed THEN
    RETURN false;
  END IF;
  FOR v_name IN SELECT n.key FROM jsonb_each_text(v_now) n WHERE n.value IS DISTINCT FROM p_before ->> n.key LOOP
    EXECUTE format('DEALLOCATE %I', v_name);
  END LOOP;
  RETURN true;
END;
$$;
