-- A receipt that is made up together with its component shows no call. The row's own transaction id tells, where the row is
-- still as it was first written: after a restore from a dump it is the restore's, and nothing can be known from it.
SELECT c.component_run_id::text AS subject,
  CASE WHEN i.begun_at > c.created_at THEN format('written at %s, its receipt is of %s', c.created_at, i.begun_at)
    ELSE format('written in the transaction of its receipt %s', i.invocation_id) END AS what
FROM process_component_observation c
JOIN dot_invocation i ON i.invocation_id = c.invocation_id
WHERE i.begun_at > c.created_at
  OR (c.xmin = i.xmin AND i.xmin::text::numeric = mod(i.begun_xid::text::numeric, 4294967296));
