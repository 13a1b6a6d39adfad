SELECT e.event_type AS subject,
  format('%s, its history says %s', CASE WHEN e.active THEN 'active' ELSE 'inactive' END, coalesce(CASE WHEN h.active THEN 'active' ELSE 'inactive' END, 'it never was switched')) AS what
FROM event_type_registry e
LEFT JOIN (
  SELECT DISTINCT ON (s.event_type) s.event_type, s.active FROM event_type_history s ORDER BY s.event_type, s.changed_at DESC, s.change_id DESC
) AS h ON h.event_type = e.event_type
WHERE e.active <> coalesce(h.active, false);
