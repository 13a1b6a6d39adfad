-- How many checks are enabled, and how many of those have no answer that lets a run pass and is young enough, in one row: where none is
-- stale, a run pays for this one look and no check.
CREATE OR REPLACE VIEW v_dot_preflight_memory AS
SELECT count(*) AS enabled,
  count(*) FILTER (WHERE a.check_name IS NULL OR clock_timestamp() NOT BETWEEN a.asked_at AND a.asked_at + c.max_age) AS stale
FROM dot_preflight_check c
LEFT JOIN dot_preflight_answer a ON a.check_name = c.check_name AND a.count_query = c.count_query
  AND (a.cnt = 0 OR c.on_finding = 'WARN')
WHERE c.enabled;
