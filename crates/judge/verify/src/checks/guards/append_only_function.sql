-- Its body is compared up to the RAISE, comments and spaces aside: anything that returns before it is a hole.
WITH found AS (
  SELECT p.oid, l.lanname, p.prosecdef,
    btrim(regexp_replace(regexp_replace(p.prosrc, '--[^\n]*', ' ', 'g'), '\s+', ' ', 'g')) AS body
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  WHERE p.pronamespace = ledger_oid AND p.proname = 'fn_dot_ledger_append_only' AND p.pronargs = 0
)
SELECT 'fn_dot_ledger_append_only' AS subject,
  CASE WHEN f.oid IS NULL THEN 'the function is missing'
    WHEN f.prosecdef THEN 'SECURITY DEFINER: it judges its owner, not who runs the statement'
    ELSE format('its body is another: %s', left(f.body, 200)) END AS what
FROM (VALUES ('#variable_conflict use_column BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = '
  'current_user AND r.rolsuper) THEN RETURN NULL; END IF; RAISE EXCEPTION USING'))
  AS expected (beginning)
LEFT JOIN found f ON true
WHERE f.oid IS NULL OR f.lanname <> 'plpgsql' OR f.prosecdef OR NOT starts_with(f.body, expected.beginning)
  -- A handler would swallow what is raised.
  OR f.body ~* '\mEXCEPTION\s+WHEN\M' OR f.body !~ 'CONSTRAINT = ''ledger_append_only''';
