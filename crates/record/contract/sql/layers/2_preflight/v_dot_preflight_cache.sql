-- Whether every enabled check has a passing result that is young enough, in one row. A run then reads this view and
-- runs no check. Null where no check is enabled. A result in the last quarter of its age is due: one caller runs the
-- check again (fn_dot_preflight_refresh) while others use the cached result, so that expiry does not make all callers
-- run it at once.
CREATE OR REPLACE VIEW v_dot_preflight_cache AS
SELECT bool_and((a.check_revision = c.revision AND a.count_query = c.count_query
    AND (a.cnt = 0 OR c.on_finding = 'WARN')
    AND clock_timestamp() BETWEEN a.answered_at AND a.answered_at + c.max_age) IS TRUE) AS is_fresh,
  bool_or(clock_timestamp() > a.answered_at + 0.75 * c.max_age) AS is_due
FROM dot_preflight_check c LEFT JOIN dot_preflight_answer a ON a.check_name = c.check_name
WHERE c.enabled;
