-- Whatever was granted on what the current user owns here, to whomever: also to roles that are not the installation's.
DO $install$
DECLARE
  v_owner oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user);
  v_grant record;
BEGIN
  FOR v_grant IN
    SELECT DISTINCT thing.kind, thing.name, CASE a.grantee WHEN 0 THEN 'PUBLIC'
      ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
    FROM (
      SELECT 'SCHEMA' AS kind, quote_ident(n.nspname) AS name, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl
      FROM pg_namespace n WHERE n.nspname = current_schema()
      UNION ALL
      SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass::text, c.relacl
      FROM pg_class c WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
        AND c.relkind IN ('r', 'p', 'v', 'S') AND c.relowner = v_owner
      UNION ALL
      -- A right on a column goes with the right on its table, taken back as a whole.
      SELECT 'TABLE', t.attrelid::regclass::text, t.attacl
      FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
      WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
        AND c.relowner = v_owner AND t.attacl IS NOT NULL
      UNION ALL
      -- A column of a row type, also a reader's temporary one, would keep later releases from changing the table.
      SELECT 'TYPE', t.oid::regtype::text, coalesce(t.typacl, acldefault('T', t.typowner))
      FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
      WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
        AND c.relkind IN ('r', 'p', 'v') AND t.typowner = v_owner
      UNION ALL
      SELECT 'FUNCTION', p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc p WHERE p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
        AND p.proowner = v_owner
    ) AS thing, aclexplode(thing.acl) a
    WHERE a.grantee <> v_owner
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s CASCADE', v_grant.kind, v_grant.name, v_grant.grantee);
  END LOOP;
END;
$install$;