-- Whether every enabled check has an answer that lets a run pass and is young enough, in one row: then a run pays for this
-- one look and no check. Null where no check is enabled. An answer in its last quarter is due: one caller asks again
-- (fn_dot_preflight_renew) while the others go on with it, so that its end does not send all of them to ask at once.
CREATE OR REPLACE VIEW v_dot_preflight_memory AS
SELECT bool_and((c.answer_passes AND clock_timestamp() BETWEEN c.answered_at AND c.answered_at + c.max_age) IS TRUE) AS is_fresh,
  bool_or(clock_timestamp() > c.answered_at + 0.75 * c.max_age) AS is_due
FROM dot_preflight_check c
WHERE c.enabled;
