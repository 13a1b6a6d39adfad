-- An installation without roles has granted nothing to anybody.
SELECT k.name AS subject, CASE WHEN k.kind = 'membership' THEN CASE k.state
  WHEN 'surplus' THEN 'declared is no such membership' ELSE 'it is declared, and not so' END
  ELSE coalesce(nullif(k.own, ''), 'nobody but the owner may use it') || ', which is not what is declared' END AS what
FROM compared k
WHERE k.kind IN ('rights', 'membership') AND (k.state IN ('surplus', 'changed')
  OR (k.state = 'missing' AND EXISTS (SELECT FROM fact f WHERE f.kind = 'rights')));
