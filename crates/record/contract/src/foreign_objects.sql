-- What DROP SCHEMA … CASCADE would drop that no release of the contract brought: objects in the schema, and objects of
-- other schemas that depend on the contract's. $1 is the quoted schema, $2 the contract's tables.
WITH own AS (
  SELECT 'pg_catalog.pg_class'::regclass AS class, c.oid FROM pg_catalog.pg_class c
  WHERE c.relnamespace = to_regnamespace($1)
  UNION ALL
  SELECT 'pg_catalog.pg_proc'::regclass, p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = to_regnamespace($1)
  UNION ALL
  SELECT 'pg_catalog.pg_type'::regclass, t.oid FROM pg_catalog.pg_type t WHERE t.typnamespace = to_regnamespace($1)
), dependent AS (
  SELECT d.classid, d.objid, d.refobjid FROM own o
  JOIN pg_catalog.pg_depend d ON d.refclassid = o.class AND d.refobjid = o.oid
), brought AS (
  SELECT i.kind, i.name FROM {schema}.dot_contract_object i
), found (what) AS (
  SELECT 'function ' || p.oid::regprocedure::text FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = to_regnamespace($1)
    AND NOT EXISTS (SELECT FROM brought b WHERE b.kind = 'function' AND b.name = p.proname)
  UNION ALL
  SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence ' ELSE 'table ' END || c.oid::regclass::text
  FROM pg_catalog.pg_class c
  WHERE c.relnamespace = to_regnamespace($1) AND (
    c.relkind = 'v' AND NOT EXISTS (SELECT FROM brought b WHERE b.kind = 'view' AND b.name = c.relname)
    OR c.relkind IN ('r', 'p', 'm', 'f') AND c.relname <> ALL ($2)
    -- A sequence of a column goes with its table.
    OR c.relkind = 'S' AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
        AND d.refclassid = 'pg_catalog.pg_class'::regclass))
  UNION ALL
  SELECT 'type ' || t.oid::regtype::text FROM pg_catalog.pg_type t
  WHERE t.typnamespace = to_regnamespace($1) AND t.typrelid = 0 AND t.typelem = 0 AND t.typtype <> 'm'
  UNION ALL
  SELECT 'view ' || c.oid::regclass::text FROM dependent d
  JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class AND c.relnamespace <> to_regnamespace($1)
  UNION ALL
  SELECT 'constraint ' || quote_ident(k.conname) || ' of ' || k.conrelid::regclass::text FROM dependent d
  JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
  WHERE k.connamespace <> to_regnamespace($1) AND k.conrelid <> 0
  UNION ALL
  SELECT 'trigger ' || quote_ident(t.tgname) || ' of ' || t.tgrelid::regclass::text FROM dependent d
  JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid
    AND NOT t.tgisinternal
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND c.relnamespace <> to_regnamespace($1)
  UNION ALL
  SELECT 'function ' || p.oid::regprocedure::text FROM dependent d
  JOIN pg_catalog.pg_proc p ON d.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.objid
  WHERE p.pronamespace <> to_regnamespace($1)
  UNION ALL
  SELECT 'a column of ' || c.oid::regclass::text FROM dependent d
  JOIN pg_catalog.pg_class c ON d.classid = 'pg_catalog.pg_class'::regclass AND c.oid = d.objid
  WHERE c.relnamespace <> to_regnamespace($1) AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
    AND c.relnamespace <> 'pg_toast'::regnamespace
)
SELECT DISTINCT f.what FROM found f ORDER BY f.what
