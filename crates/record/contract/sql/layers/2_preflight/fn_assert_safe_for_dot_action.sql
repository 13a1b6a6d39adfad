-- Gate 2. Raises where any check returns BLOCK, and names these checks with their counts. Checks whose cached result
-- passes and is younger than their max_age do not run again.
CREATE OR REPLACE FUNCTION fn_assert_safe_for_dot_action() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  -- A result that counts uncommitted changes of this transaction is not cached for other callers.
  PERFORM fn_dot_preflight_check_stale(pg_current_xact_id_if_assigned() IS NULL);
END;
$$;
