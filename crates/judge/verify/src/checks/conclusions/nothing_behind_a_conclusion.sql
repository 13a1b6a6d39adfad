-- A conclusion waits for the components under way and reads the clock afterwards. A warning: a clock that was set back
-- in between makes an earlier row look later. What was added behind a conclusion is also missing from the counts.
SELECT late.subject, format('%s of %s, the run was concluded at %s', late.kind, late.written_at, x.concluded_at) AS what
FROM (
  SELECT c.component_run_id::text AS subject, 'a component' AS kind, c.process_run_id, c.created_at AS written_at
  FROM ledger.process_component_observation c
  UNION ALL
  SELECT i.invocation_id::text, 'a receipt', i.process_run_id, i.begun_at FROM ledger.dot_invocation i
  UNION ALL
  SELECT r.process_run_id::text, 'the header', r.process_run_id, r.created_at FROM ledger.process_run_observation r
) AS late
JOIN ledger.process_run_conclusion x ON x.process_run_id = late.process_run_id
WHERE late.written_at > x.concluded_at;
