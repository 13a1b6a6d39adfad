WITH relation AS (
  SELECT c.oid, c.relname::text AS name, c.relkind, c.relowner, c.relacl, n.nspowner
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ledger_name AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
)
SELECT r.name AS subject, format('%s may %s', coalesce(g.rolname, 'PUBLIC'),
  string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)) AS what
FROM relation r
CROSS JOIN aclexplode(r.relacl) AS a
LEFT JOIN pg_roles g ON g.oid = a.grantee
WHERE a.grantee <> r.relowner AND a.privilege_type <> 'SELECT'
GROUP BY r.name, g.rolname
UNION ALL
SELECT r.name, format('%s may %s the column %s', coalesce(g.rolname, 'PUBLIC'), a.privilege_type, t.attname)
FROM relation r
JOIN pg_attribute t ON t.attrelid = r.oid AND t.attacl IS NOT NULL
CROSS JOIN aclexplode(t.attacl) AS a
LEFT JOIN pg_roles g ON g.oid = a.grantee
WHERE a.grantee <> r.relowner AND a.privilege_type <> 'SELECT'
UNION ALL
-- The owner of a table can write it.
SELECT r.name, format('owned by %s, the schema by %s', r.relowner::regrole, r.nspowner::regrole) FROM relation r
WHERE r.relowner <> r.nspowner
UNION ALL
-- A role that can create objects here can replace one by another.
SELECT n.nspname::text, format('%s may %s in the schema', coalesce(g.rolname, 'PUBLIC'), a.privilege_type)
FROM pg_namespace n
CROSS JOIN aclexplode(n.nspacl) AS a
LEFT JOIN pg_roles g ON g.oid = a.grantee
WHERE n.nspname = ledger_name AND a.grantee <> n.nspowner AND a.privilege_type <> 'USAGE';
