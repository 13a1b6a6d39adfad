-- Without an entry of its own a function is PUBLIC's to call: that is PostgreSQL's default, which has to be taken away.
SELECT granted.subject, format('PUBLIC may %s', string_agg(DISTINCT granted.privilege_type, ', ')) AS what
FROM (
  SELECT n.nspname::text AS subject, a.grantee, a.privilege_type
  FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) AS a
  WHERE n.nspname = ledger_name
  UNION ALL
  SELECT c.relname::text, a.grantee, a.privilege_type
  FROM pg_class c CROSS JOIN aclexplode(c.relacl) AS a
  WHERE c.relnamespace = ledger_oid
  UNION ALL
  SELECT c.relname::text, a.grantee, a.privilege_type
  FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN aclexplode(t.attacl) AS a
  WHERE c.relnamespace = ledger_oid
  UNION ALL
  SELECT p.proname::text, a.grantee, a.privilege_type
  FROM pg_proc p CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
  WHERE p.pronamespace = ledger_oid
) AS granted
WHERE granted.grantee = 0
GROUP BY granted.subject;
