-- Counted, in addition to the primary key: a runner whose lease was taken over must not have added a second one.
SELECT x.process_run_id::text AS subject, format('%s conclusions: %s', count(*),
  string_agg(x.status, ', ' ORDER BY x.concluded_at)) AS what
FROM ledger.process_run_conclusion x
GROUP BY x.process_run_id
HAVING count(*) > 1;
