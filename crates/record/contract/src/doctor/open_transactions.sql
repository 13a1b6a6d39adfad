-- The logins that may record and whose transactions may idle without a limit, ten of them; and how many prepared
-- transactions the server takes. $1 is the prefix of the installation's roles, null where it has none: then only this
-- session's login is known to record. A login's own setting in this database counts first, then its setting elsewhere,
-- then the database's, then the server's.
WITH server AS (
  SELECT CASE WHEN s.source IN ('user', 'database user', 'database', 'global', 'client', 'interactive', 'session')
    THEN s.boot_val ELSE s.setting END AS said
  FROM pg_catalog.pg_settings s WHERE s.name = 'idle_in_transaction_session_timeout'
), said AS (
  SELECT d.setrole, d.setdatabase, split_part(entry, '=', 2) AS said
  FROM pg_catalog.pg_db_role_setting d CROSS JOIN unnest(d.setconfig) entry
  WHERE entry LIKE 'idle_in_transaction_session_timeout=%'
    AND d.setdatabase IN (0, (SELECT x.oid FROM pg_catalog.pg_database x WHERE x.datname = current_database()))
), logins AS (
  SELECT r.oid, r.rolname FROM pg_catalog.pg_roles r
  WHERE r.rolcanlogin AND NOT r.rolsuper AND CASE WHEN $1 IS NULL THEN r.rolname = session_user
    ELSE EXISTS (SELECT FROM pg_catalog.pg_roles o
                 WHERE o.rolname = $1 || '_observer' AND pg_catalog.pg_has_role(r.oid, o.oid, 'MEMBER')) END
), unbounded AS (
  SELECT l.rolname FROM logins l
  WHERE coalesce(
    (SELECT s.said FROM said s WHERE s.setrole IN (l.oid, 0) ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1),
    (SELECT s.said FROM server s)) ~ '^0+[a-z ]*$'
)
SELECT coalesce((SELECT string_agg(u.rolname, ', ' ORDER BY u.rolname)
  FROM (SELECT x.rolname FROM unbounded x ORDER BY 1 LIMIT 10) u), '')
    || CASE WHEN (SELECT count(*) FROM unbounded) > 10 THEN ', …' ELSE '' END,
  current_setting('max_prepared_transactions')::int;
