-- A table, a view or an index more changes nothing of what is there.
SELECT k.kind || ' ' || k.name AS subject, 'the release has no such ' || k.kind AS what
FROM compared k
WHERE k.state = 'surplus' AND k.kind IN ('relation', 'column', 'view', 'index', 'statistics', 'sequence')
  -- Of a table or view that is not the release's its columns are not.
  AND NOT (k.kind IN ('column', 'view') AND EXISTS (
    SELECT FROM compared r WHERE r.kind = 'relation' AND r.name = split_part(k.name, '.', 1) AND r.state = 'surplus'));
