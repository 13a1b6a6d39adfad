-- Default privileges of the owner, for the schema or for the whole database.
SELECT coalesce(g.rolname, 'PUBLIC')::text AS subject,
  format('gets %s on each new %s of %s', a.privilege_type, CASE d.defaclobjtype WHEN 'r' THEN 'table'
    WHEN 'S' THEN 'sequence'
    WHEN 'f' THEN 'function' WHEN 'T' THEN 'type' ELSE 'object' END, w.rolname) AS what
FROM pg_namespace n
JOIN pg_default_acl d ON d.defaclrole = n.nspowner AND d.defaclnamespace IN (n.oid, 0)
JOIN pg_roles w ON w.oid = d.defaclrole
CROSS JOIN aclexplode(d.defaclacl) a
LEFT JOIN pg_roles g ON g.oid = a.grantee
WHERE n.oid = ledger_oid AND a.grantee <> d.defaclrole;
