-- Who is a member of the owner, or writes every table of the cluster, writes the ledger round its functions. Up to
-- PostgreSQL 15 a member is one whatever the membership says; from 16 on who only administers a role is none.
WITH installation AS (
  SELECT n.nspowner, CASE WHEN o.rolname LIKE '%\_owner' THEN left(o.rolname, -length('owner')) END AS prefix,
    CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'USAGE, SET' END AS membership
  FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner WHERE n.oid = ledger_oid
), own AS (
  SELECT r.* FROM pg_roles r CROSS JOIN installation i
  WHERE i.prefix IS NOT NULL AND r.rolname IN (i.prefix || 'reader', i.prefix || 'observer', i.prefix || 'runner',
    i.prefix || 'operator',
    i.prefix || 'relay', i.prefix || 'archiver', i.prefix || 'checker', i.prefix || 'owner')
)
SELECT r.rolname::text AS subject, 'can become ' || o.rolname AS what
FROM installation i
JOIN own o ON o.rolname IN (i.prefix || 'owner', i.prefix || 'checker')
JOIN pg_roles r ON NOT r.rolsuper AND r.oid <> o.oid AND pg_has_role(r.oid, o.oid, i.membership)
UNION ALL
SELECT r.rolname::text, 'can write every table of the cluster, as a member of pg_write_all_data'
FROM installation i JOIN pg_roles r ON NOT r.rolsuper AND r.rolname <> 'pg_write_all_data'
  AND pg_has_role(r.oid, 'pg_write_all_data', i.membership)
UNION ALL
SELECT o.rolname::text, 'is ' || concat_ws(', ', CASE WHEN o.rolsuper THEN 'a superuser' END,
  CASE WHEN o.rolcreaterole THEN 'allowed to create roles' END,
  CASE WHEN o.rolreplication THEN 'allowed to replicate' END, CASE WHEN o.rolbypassrls
    THEN 'allowed to pass row security' END)
FROM own o WHERE o.rolsuper OR o.rolcreaterole OR o.rolreplication OR o.rolbypassrls;
