-- Without it, the caller of a function with its owner's rights chooses what its names mean. A function that the owner
-- alone may call, that has no owner's rights of its own and that no trigger calls, runs under the path of the function
-- that calls it.
SELECT p.oid::regprocedure::text AS subject,
  coalesce('its search_path is ' || setting.path, 'it takes its caller''s search_path') AS what
FROM pg_proc p
LEFT JOIN LATERAL (
  SELECT substr(entry, length('search_path=') + 1) AS path FROM unnest(p.proconfig) AS entry
  WHERE starts_with(entry, 'search_path=')
) AS setting ON true
WHERE p.pronamespace = ledger_oid
  AND setting.path IS DISTINCT FROM quote_ident(ledger_name) || ', pg_temp'
  AND (setting.path IS NOT NULL OR p.prosecdef OR p.prorettype = 'trigger'::regtype
    OR EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
      WHERE a.grantee <> p.proowner));
