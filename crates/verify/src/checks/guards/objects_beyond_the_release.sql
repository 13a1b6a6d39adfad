-- A table, a view or an index more changes nothing of what is there.
SELECT k.kind || ' ' || k.name AS subject, 'the release has no such ' || k.kind AS what
FROM compared k
WHERE k.state = 'surplus' AND k.kind IN ('relation', 'column', 'view', 'index', 'statistics', 'sequence');
