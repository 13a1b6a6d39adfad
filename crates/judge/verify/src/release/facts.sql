-- Every object of the schema as the catalogue shows it. fact is what decides what it does, written by PostgreSQL with
-- the schema's name replaced, so that an installation in any schema gives the same. Nothing here reads a table of the
-- ledger.
WITH RECURSIVE qualified AS MATERIALIZED (
  -- A name of the schema's own, as PostgreSQL writes it where the search path does not hold the schema.
  SELECT '(^|[^[:alnum:]_"$.])' || ledger_pattern || '\.(' || string_agg(o.name, '|' ORDER BY length(o.name) DESC,
    o.name) || ')\M' AS pattern
  FROM (
    SELECT c.relname::text AS name FROM pg_class c WHERE c.relnamespace = ledger_oid
      AND c.relkind IN ('r', 'v', 'S', 'i', 'm', 'p', 'f')
    UNION
    SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = ledger_oid
  ) AS o
  WHERE o.name ~ '^[a-z_][a-z0-9_]*$'
), ledger_relation AS (
  SELECT c.* FROM pg_class c WHERE c.relnamespace = ledger_oid AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
), installation AS (
  -- The beginning of its roles' names is the installer's choice. Without roles there is one account for everything.
  SELECT n.nspowner, n.nspacl, CASE WHEN o.rolname LIKE '%\_owner' THEN left(o.rolname, -length('owner')) END AS prefix
  FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner WHERE n.oid = ledger_oid
), role AS (
  SELECT r.oid, CASE WHEN i.prefix IS NOT NULL AND starts_with(r.rolname, i.prefix) THEN '<>'
    || substr(r.rolname, length(i.prefix) + 1) ELSE r.rolname END AS name,
    i.prefix IS NOT NULL AND r.rolname IN (i.prefix || 'reader', i.prefix || 'observer', i.prefix || 'runner',
      i.prefix || 'operator',
      i.prefix || 'relay', i.prefix || 'archiver', i.prefix || 'checker', i.prefix || 'owner') AS is_own
  FROM pg_roles r CROSS JOIN installation i
), owned AS (
  SELECT 'schema' AS name, i.nspowner AS owner, i.nspacl AS acl FROM installation i
  UNION ALL
  SELECT 'relation ' || c.relname, c.relowner, c.relacl FROM pg_class c WHERE c.relnamespace = ledger_oid
    AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
  UNION ALL
  SELECT format('column %s.%s', c.relname, t.attname), c.relowner, t.attacl
  FROM ledger_relation c JOIN pg_attribute t ON t.attrelid = c.oid WHERE t.attacl IS NOT NULL
  UNION ALL
  SELECT 'function ' || p.proname, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p
  WHERE p.pronamespace = ledger_oid
), rights AS (
  SELECT o.name, concat_ws('; ', CASE WHEN o.owner <> i.nspowner THEN 'owned by ' || w.name END,
    (SELECT string_agg(format('%s may %s%s', CASE a.grantee WHEN 0 THEN 'PUBLIC'
      ELSE coalesce(g.name, a.grantee::text) END, a.privilege_type,
                              CASE WHEN a.is_grantable THEN ' and grant it' END), ', ' ORDER BY g.name,
                                a.privilege_type)
     FROM aclexplode(o.acl) AS a LEFT JOIN role g ON g.oid = a.grantee WHERE a.grantee <> o.owner)) AS own
  FROM owned o CROSS JOIN installation i LEFT JOIN role w ON w.oid = o.owner
), told AS (
  SELECT 'relation' AS kind, c.relname::text AS name, concat_ws(' ', c.relkind, c.relpersistence, a.amname,
      CASE WHEN c.relrowsecurity OR c.relforcerowsecurity THEN 'row security' END,
        CASE WHEN c.relispartition THEN 'partition' END,
      CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) THEN 'inheritance' END,
      CASE WHEN c.reloftype <> 0 THEN 'of a type' END) AS own, '' AS shown
  FROM ledger_relation c LEFT JOIN pg_am a ON a.oid = c.relam
  UNION ALL
  SELECT 'column', c.relname || '.' || t.attname, concat_ws(' ', CASE WHEN t.attnotnull THEN 'not null' END,
      CASE WHEN t.attidentity <> '' THEN 'identity' END, CASE WHEN t.attgenerated <> '' THEN 'generated '
        || t.attgenerated::text END,
      CASE WHEN t.attcollation NOT IN (0, y.typcollation) THEN 'collation ' || t.attcollation::regcollation::text END,
        y.typnamespace::regnamespace::text),
    format_type(t.atttypid, t.atttypmod) || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
  FROM ledger_relation c
  JOIN pg_attribute t ON t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
  JOIN pg_type y ON y.oid = t.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = t.attrelid AND d.adnum = t.attnum
  UNION ALL
  SELECT 'view', c.relname::text, concat_ws(' ', c.reloptions::text), pg_get_viewdef(c.oid)
  FROM ledger_relation c WHERE c.relkind IN ('v', 'm')
  UNION ALL
  SELECT 'constraint', coalesce(c.relname, y.typname) || '.' || k.conname,
    concat_ws(' ', k.contype, k.convalidated, k.condeferrable, k.condeferred), pg_get_constraintdef(k.oid)
  FROM pg_constraint k
  LEFT JOIN pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_type y ON y.oid = k.contypid
  -- From PostgreSQL 18 on NOT NULL is one too; it is a column's fact here.
  WHERE k.connamespace = ledger_oid AND k.contype <> 'n'
  UNION ALL
  SELECT 'index', c.relname || '.' || x.relname,
    concat_ws(' ', i.indisunique, i.indimmediate, i.indisvalid, i.indisready, i.indislive),
      pg_get_indexdef(i.indexrelid)
  FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN ledger_relation c ON c.oid = i.indrelid
  UNION ALL
  SELECT 'trigger', c.relname || '.' || t.tgname, t.tgenabled::text, pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN ledger_relation c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
  UNION ALL
  SELECT 'rule', c.relname || '.' || w.rulename, w.ev_enabled::text, pg_get_ruledef(w.oid)
  FROM pg_rewrite w JOIN ledger_relation c ON c.oid = w.ev_class WHERE w.rulename <> '_RETURN'
  UNION ALL
  SELECT 'policy', c.relname || '.' || o.polname, concat_ws(' ', o.polcmd, o.polpermissive),
    coalesce(pg_get_expr(o.polqual, o.polrelid), '')
  FROM pg_policy o JOIN ledger_relation c ON c.oid = o.polrelid
  UNION ALL
  SELECT 'sequence', c.relname::text, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement,
    s.seqmin, s.seqmax, s.seqcycle), ''
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = ledger_oid
  UNION ALL
  SELECT 'function', p.proname::text, concat_ws(E'\n', p.prokind, l.lanname, p.prosecdef, p.proleakproof, p.proisstrict,
    p.proretset, p.provolatile, p.proparallel,
      p.provariadic, p.prosupport::oid, p.protrftypes, p.probin, p.prosrc,
      (SELECT string_agg(replace(setting, 'search_path=' || quote_ident(ledger_name) || ', pg_temp', 'search_path'),
        E'\n' ORDER BY setting)
       FROM unnest(p.proconfig) AS setting)),
    concat_ws(E'\n', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), pg_get_function_sqlbody(p.oid))
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = ledger_oid
  UNION ALL
  SELECT 'rights', r.name, r.own, '' FROM rights r WHERE r.own <> ''
  UNION ALL
  SELECT DISTINCT 'membership', format('%s is a member of %s', m.name, g.name), '', ''
  FROM pg_auth_members a JOIN role m ON m.oid = a.member JOIN role g ON g.oid = a.roleid WHERE m.is_own
  UNION ALL
  -- The release makes none of these.
  SELECT 'type', y.typname::text, y.typtype::text, '' FROM pg_type y LEFT JOIN pg_class c ON c.oid = y.typrelid
  WHERE y.typnamespace = ledger_oid AND y.typelem = 0 AND (y.typtype <> 'c' OR c.relkind = 'c')
  UNION ALL
  SELECT 'operator', o.oid::regoperator::text, '', '' FROM pg_operator o WHERE o.oprnamespace = ledger_oid
  UNION ALL
  SELECT 'operator class', o.opcname::text, '', '' FROM pg_opclass o WHERE o.opcnamespace = ledger_oid
  UNION ALL
  SELECT 'operator family', o.opfname::text, '', '' FROM pg_opfamily o WHERE o.opfnamespace = ledger_oid
  UNION ALL
  SELECT 'cast', format('%s AS %s', k.castsource::regtype, k.casttarget::regtype), '', ''
  FROM pg_cast k JOIN pg_proc p ON p.oid = k.castfunc WHERE p.pronamespace = ledger_oid
  UNION ALL
  SELECT 'collation', o.collname::text, '', '' FROM pg_collation o WHERE o.collnamespace = ledger_oid
  UNION ALL
  SELECT 'conversion', o.conname::text, '', '' FROM pg_conversion o WHERE o.connamespace = ledger_oid
  UNION ALL
  SELECT 'statistics', s.stxname::text, '', '' FROM pg_statistic_ext s JOIN ledger_relation c ON c.oid = s.stxrelid
), fact AS MATERIALIZED (
  SELECT t.kind, t.name, string_agg(t.own, ' | ' ORDER BY t.own, t.shown) AS own,
    string_agg(encode(sha256(convert_to(t.own || E'\n' || CASE WHEN strpos(t.shown, quote_ident(ledger_name) || '.') > 0
      THEN regexp_replace(t.shown, q.pattern, '\1<>.\2', 'g') ELSE t.shown END, 'UTF8')), 'hex'), ' ' ORDER BY t.own,
      t.shown) AS digest
  FROM told t CROSS JOIN qualified q GROUP BY t.kind, t.name
), release AS MATERIALIZED (
  SELECT entry[1] AS versions, entry[2] AS kind, entry[3] AS name, entry[4] AS digest
  FROM string_to_table(ledger_release, E'\n') AS line
  CROSS JOIN LATERAL string_to_array(line, E'\t') AS entry
  WHERE cardinality(entry) = 4
    AND CASE entry[1] WHEN 'any' THEN true WHEN '15' THEN current_setting('server_version_num')::integer < 160000
        WHEN '16+' THEN current_setting('server_version_num')::integer >= 160000 ELSE false END
), compared AS MATERIALIZED (
  SELECT coalesce(r.kind, f.kind) AS kind, coalesce(r.name, f.name) AS name, f.own,
    CASE WHEN f.name IS NULL THEN 'missing' WHEN r.name IS NULL THEN 'surplus'
      WHEN f.digest <> r.digest THEN 'changed' END AS state
  FROM (SELECT e.* FROM release e WHERE e.kind NOT IN ('contract', 'migration')) AS r
  FULL JOIN fact f ON f.kind = r.kind AND f.name = r.name
)
