SELECT e.kind || ' ' || e.key AS subject,
  CASE WHEN l.key IS NULL THEN 'its history knows nothing of it' ELSE 'it never became this: ' || l.differs
    || ' differ from what was last recorded' END AS what
FROM entry e
LEFT JOIN recorded l ON l.kind = e.kind AND l.key = e.key AND l.is_last
WHERE NOT EXISTS (SELECT FROM recorded r WHERE r.kind = e.kind AND r.key = e.key AND r.differs IS NULL)
  -- The built-in checks have no history until they are changed.
  AND NOT (l.key IS NULL AND e.kind = 'check' AND EXISTS (
    SELECT FROM (VALUES
      ('ledger_guards_missing', 'fn_dot_check_ledger_guards', 'critical', 'BLOCK', interval '5 seconds'),
      ('tier_b_without_verifier', 'fn_dot_check_unverified_writers', 'high', 'WARN', interval '1 second'),
      ('gates_malformed', 'fn_dot_check_malformed_gates', 'medium', 'WARN', interval '1 second')
    ) AS shipped (check_name, function_name, severity, on_finding, max_age)
    WHERE e.key = shipped.check_name AND e.now ->> 'count_query' = quote_ident(ledger_name) || '.'
      || shipped.function_name
      AND e.now ->> 'severity' = shipped.severity AND e.now ->> 'on_finding' = shipped.on_finding
      AND (e.now ->> 'max_age')::interval = shipped.max_age AND e.now -> 'enabled' = 'true'));
