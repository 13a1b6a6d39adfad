-- How many checks are enabled, and how many of those have no answer that lets a run pass and is young enough, in one row:
-- where none is stale, a run pays for this one look and no check. The answer of another function, or one that would block
-- by what the check says now, is none.
CREATE OR REPLACE VIEW v_dot_preflight_memory AS
SELECT count(*) AS enabled,
  count(*) FILTER (WHERE (c.answered_query = c.count_query AND (c.answered_cnt = 0 OR c.on_finding = 'WARN')
    AND clock_timestamp() BETWEEN c.answered_at AND c.answered_at + c.max_age) IS NOT TRUE) AS stale
FROM dot_preflight_check c
WHERE c.enabled;
