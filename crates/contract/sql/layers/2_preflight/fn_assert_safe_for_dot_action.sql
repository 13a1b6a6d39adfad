-- Gate 2. Raises where any check is a BLOCK, naming them with their counts. Checks whose last answer lets a run pass
-- and is younger than their max_age are not asked again.
CREATE OR REPLACE FUNCTION fn_assert_safe_for_dot_action() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
#variable_conflict use_column
BEGIN
  -- What this transaction changed and did not commit is no answer for others.
  PERFORM fn_dot_preflight_check_stale(pg_current_xact_id_if_assigned() IS NULL);
END;
$$;
