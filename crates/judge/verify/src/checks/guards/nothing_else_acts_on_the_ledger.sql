-- Each may be there for good reasons that the ledger does not know.
SELECT 'event trigger ' || e.evtname AS subject,
  format('runs %s on every %s in this database', e.evtfoid::regproc, e.evtevent) AS what
FROM pg_event_trigger e WHERE e.evtenabled <> 'D'
UNION ALL
SELECT 'subscription of ' || c.relname, 'its rows come from another database too'
FROM pg_subscription_rel s JOIN pg_class c ON c.oid = s.srrelid WHERE c.relnamespace = ledger_oid
UNION ALL
SELECT 'publication ' || p.pubname, 'publishes ' || t.tablename
FROM pg_publication p CROSS JOIN LATERAL pg_get_publication_tables(p.pubname::text) AS g
JOIN pg_class c ON c.oid = g.relid CROSS JOIN LATERAL (SELECT c.relname::text AS tablename) AS t
WHERE c.relnamespace = ledger_oid
UNION ALL
SELECT r.rolname::text, 'can read every table of the cluster, lease tokens too, as a member of pg_read_all_data'
FROM pg_roles r
WHERE NOT r.rolsuper AND r.rolname <> 'pg_read_all_data'
  AND pg_has_role(r.oid, 'pg_read_all_data', CASE WHEN current_setting('server_version_num')::integer < 160000
    THEN 'MEMBER' ELSE 'USAGE, SET' END);
