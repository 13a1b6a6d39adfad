-- Whether every enabled check has an answer that lets a run pass and is young enough, in one row: then a run pays for
-- this one look and no check. Null where no check is enabled. An answer in its last quarter is due: one caller asks
-- again (fn_dot_preflight_refresh) while the others go on with it, so that its end does not send all of them to ask at
-- once.
CREATE OR REPLACE VIEW v_dot_preflight_cache AS
SELECT bool_and((a.check_revision = c.revision AND a.count_query = c.count_query
    AND (a.cnt = 0 OR c.on_finding = 'WARN')
    AND clock_timestamp() BETWEEN a.answered_at AND a.answered_at + c.max_age) IS TRUE) AS is_fresh,
  bool_or(clock_timestamp() > a.answered_at + 0.75 * c.max_age) AS is_due
FROM dot_preflight_check c LEFT JOIN dot_preflight_answer a ON a.check_name = c.check_name
WHERE c.enabled;
