-- A warning: a clock that was set back makes an earlier change look like the last one.
SELECT l.kind || ' ' || l.key AS subject, format('it is as it was before %s: %s differ', l.changed_at, l.differs)
  AS what
FROM recorded l
WHERE l.is_last AND l.differs IS NOT NULL
  AND EXISTS (SELECT FROM recorded r WHERE r.kind = l.kind AND r.key = l.key AND r.differs IS NULL);
