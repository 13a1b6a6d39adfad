-- Runs the checks whose cached result does not pass or is older than their max_age. Raises where one of them returns
-- BLOCK. p_may_remember: whether results may be cached for other callers, as in fn_dot_preflight_check_all.
CREATE OR REPLACE FUNCTION fn_dot_preflight_check_stale(p_may_remember boolean) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_is_fresh boolean;
BEGIN
  SELECT m.is_fresh INTO v_is_fresh FROM v_dot_preflight_cache m;
  IF v_is_fresh IS NULL THEN
    PERFORM fn_dot_refuse('preflight_blocked', 'preflight blocked: no check is enabled',
      '{"checks": [{"check_name": "no_enabled_check", "cnt": 0}]}');
  ELSIF v_is_fresh THEN
    RETURN;
  END IF;

  PERFORM fn_dot_preflight_check_all(ARRAY(
    SELECT c.check_name FROM dot_preflight_check c LEFT JOIN dot_preflight_answer a ON a.check_name = c.check_name
    WHERE c.enabled AND (a.check_revision = c.revision AND a.count_query = c.count_query
      AND (a.cnt = 0 OR c.on_finding = 'WARN')
      AND clock_timestamp() BETWEEN a.answered_at AND a.answered_at + c.max_age) IS NOT TRUE
    ORDER BY c.check_name), p_may_remember);
END;
$$;
