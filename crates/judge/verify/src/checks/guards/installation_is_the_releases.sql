-- What the installer recorded, beside what this judge knows. A ledger of another release is judged by that release's
-- program.
WITH release AS (
  SELECT entry[2] AS kind, entry[3] AS name, entry[4] AS digest
  FROM string_to_table(ledger_release, E'\n') AS line CROSS JOIN LATERAL string_to_array(line, E'\t') AS entry
)
SELECT 'dot_contract_release' AS subject,
  format('it says dotwrap %s with the contract %s, this judge knows that of %s, %s',
  left(i.installed_version, 50), left(i.digest, 12), r.name, left(r.digest, 12)) AS what
FROM release r LEFT JOIN ledger.dot_contract_release i ON true
WHERE r.kind = 'contract' AND (i.digest IS DISTINCT FROM r.digest OR i.installed_version IS DISTINCT FROM r.name)
UNION ALL
SELECT coalesce(m.name, r.name), CASE WHEN m.name IS NULL THEN 'the migration was not applied'
  WHEN r.name IS NULL THEN 'there is no such migration'
  ELSE 'another migration of this name was applied' END
FROM (SELECT e.name, e.digest FROM release e WHERE e.kind = 'migration') AS r
FULL JOIN ledger.dot_contract_migration m ON m.name = r.name
WHERE m.sha256 IS DISTINCT FROM r.digest;
