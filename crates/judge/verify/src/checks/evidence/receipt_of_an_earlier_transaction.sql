-- A receipt that is made up together with its component shows no call. The row's own transaction id tells, where the
-- row is still as it was first written. After a restore it is the restore's, which many rows share: nothing can be
-- known from it then.
SELECT c.component_run_id::text AS subject, format('written in the transaction of its receipt %s', i.invocation_id)
  AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
WHERE c.xmin = i.xmin AND i.xmin::text::numeric = mod(i.begun_xid::text::numeric, 4294967296)
  AND NOT EXISTS (SELECT FROM ledger.dot_invocation o WHERE o.xmin = i.xmin AND o.begun_xid <> i.begun_xid);
