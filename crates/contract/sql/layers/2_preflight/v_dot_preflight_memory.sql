-- Whether every enabled check has an answer that lets a run pass and is young enough, in one row: then a run pays for this
-- one look and no check. Null where no check is enabled.
CREATE OR REPLACE VIEW v_dot_preflight_memory AS
SELECT bool_and((c.answer_passes AND clock_timestamp() BETWEEN c.answered_at AND c.answered_at + c.max_age) IS TRUE) AS is_fresh
FROM dot_preflight_check c
WHERE c.enabled;
