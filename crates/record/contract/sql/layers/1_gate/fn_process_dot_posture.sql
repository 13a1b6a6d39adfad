-- Returns the current posture: NO_EXECUTE, DRY_RUN_ONLY or REAL_RUN. VOLATILE on purpose: a receipt reads it in a
-- separate statement after it took the gates' lock, and must see everything committed until then.
CREATE OR REPLACE FUNCTION fn_process_dot_posture() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN (SELECT p.posture FROM v_dot_posture p);
END;
$$;
