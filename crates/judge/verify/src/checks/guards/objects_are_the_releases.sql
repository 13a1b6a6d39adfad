-- What is changed or gone, and what could act on what is written or shown.
SELECT k.kind || ' ' || k.name AS subject, CASE k.state WHEN 'missing' THEN 'it is missing'
  WHEN 'changed' THEN 'it is not as the release made it'
  ELSE 'the release has no such ' || k.kind END AS what
FROM compared k
WHERE k.kind NOT IN ('rights', 'membership')
  AND (k.state IN ('missing', 'changed')
       OR (k.state = 'surplus' AND k.kind NOT IN ('relation', 'column', 'view', 'index', 'statistics', 'sequence')));
