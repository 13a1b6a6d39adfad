-- What must not be read, and why: a table whose columns or indexes could run something when it is read or when a
-- question about it is planned, a view that is not the release's, and every view that stands on one of them.
, foreign_code AS (
  -- What an index, a default or a statistics object of a table needs that is not PostgreSQL's own. PostgreSQL's own
  -- needs no entry.
  SELECT i.indrelid AS relation, d.refclassid, d.refobjid FROM pg_index i
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
  UNION ALL
  SELECT a.adrelid, d.refclassid, d.refobjid FROM pg_attrdef a JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass
    AND d.objid = a.oid
  JOIN pg_attribute t ON t.attrelid = a.adrelid AND t.attnum = a.adnum AND t.attgenerated <> ''
  UNION ALL
  SELECT s.stxrelid, d.refclassid, d.refobjid FROM pg_statistic_ext s JOIN pg_depend d
    ON d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid
), unsafe AS (
  SELECT c.oid, CASE
    WHEN c.relkind <> 'r' THEN 'is no ordinary table'
    WHEN c.relrowsecurity OR c.relforcerowsecurity THEN 'has row security'
    WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) THEN 'shows the rows of other tables'
    WHEN EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type = '1') THEN 'has a rule for reading'
    WHEN EXISTS (SELECT FROM pg_attribute t JOIN pg_type y ON y.oid = t.atttypid
                 WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
                   AND y.typnamespace <> 'pg_catalog'::regnamespace)
      THEN 'has a column of a type that is not PostgreSQL''s own'
    WHEN EXISTS (SELECT FROM foreign_code f WHERE f.relation = c.oid
                 AND f.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass,
                   'pg_opclass'::regclass, 'pg_collation'::regclass))
      THEN 'has an index, a generated column or statistics that call what is not PostgreSQL''s own' END AS why
  FROM pg_class c
  WHERE c.relnamespace = ledger_oid AND c.relkind IN ('r', 'p', 'f', 'm')
  UNION ALL
  SELECT c.oid, CASE WHEN EXISTS (SELECT FROM compared k WHERE k.state IS NOT NULL AND k.kind IN ('relation', 'view')
    AND k.name = c.relname)
                       OR EXISTS (SELECT FROM compared k WHERE k.state IS NOT NULL AND k.kind = 'column'
                         AND split_part(k.name, '.', 1) = c.relname)
                     THEN 'is not the release''s' END
  FROM pg_class c WHERE c.relnamespace = ledger_oid AND c.relkind = 'v'
), needed AS (
  SELECT w.ev_class AS view, d.refclassid, d.refobjid
  FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  WHERE w.rulename = '_RETURN' AND d.refobjid <> w.ev_class
), tainted (oid, why) AS (
  SELECT u.oid, u.why FROM unsafe u WHERE u.why IS NOT NULL
  UNION ALL
  SELECT n.view, format('calls %s, which is not the release''s', p.proname)
  FROM needed n JOIN pg_proc p ON n.refclassid = 'pg_proc'::regclass AND p.oid = n.refobjid
  WHERE p.pronamespace <> ledger_oid OR NOT EXISTS (SELECT FROM compared k WHERE k.kind = 'function'
    AND k.name = p.proname AND k.state IS NULL)
  UNION ALL
  SELECT n.view, 'reads another schema' FROM needed n JOIN pg_class c ON n.refclassid = 'pg_class'::regclass
    AND c.oid = n.refobjid
  WHERE c.relnamespace <> ledger_oid
), reached (oid, why) AS (
  SELECT t.oid, t.why FROM tainted t
  UNION
  SELECT n.view, 'reads ' || c.relname || ', which is not proven'
  FROM reached r
  JOIN needed n ON n.refclassid = 'pg_class'::regclass AND n.refobjid = r.oid
  JOIN pg_class c ON c.oid = r.oid
)
SELECT c.relname::text AS subject, min(r.why) AS what
FROM reached r JOIN pg_class c ON c.oid = r.oid
WHERE c.relnamespace = ledger_oid
GROUP BY c.relname;
