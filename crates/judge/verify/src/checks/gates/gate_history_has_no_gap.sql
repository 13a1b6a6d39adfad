-- Changes are numbered from 1 in the order of their commits, and the last number is kept apart: a change that was taken
-- out of the history leaves a gap, or a number that is too high.
WITH numbered AS (
  SELECT h.change_number, lag(h.change_number, 1, 0::bigint) OVER (ORDER BY h.change_number) AS before
  FROM ledger.dot_config_history h WHERE h.change_number IS NOT NULL
)
SELECT n.change_number::text AS subject, format('the change before it is number %s', n.before) AS what
FROM numbered n WHERE n.change_number <> n.before + 1
UNION ALL
SELECT s.change_number::text, format('counted so far, and the last change in the history is number %s',
  coalesce(max(n.change_number), 0))
FROM ledger.dot_gate_state s LEFT JOIN numbered n ON true GROUP BY s.change_number
HAVING s.change_number <> coalesce(max(n.change_number), 0);
