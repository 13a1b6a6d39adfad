-- Whoever concludes waits for the components under way and reads the clock afterwards, so a later time is a later write.
SELECT late.subject, format('%s of %s, the run was concluded at %s', late.kind, late.written_at, x.concluded_at) AS what
FROM (
  SELECT c.component_run_id::text AS subject, 'a component' AS kind, c.process_run_id, c.created_at AS written_at
  FROM process_component_observation c
  UNION ALL
  SELECT i.invocation_id::text, 'a receipt', i.process_run_id, i.begun_at FROM dot_invocation i
  UNION ALL
  SELECT r.process_run_id::text, 'the header', r.process_run_id, r.created_at FROM process_run_observation r
) AS late
JOIN process_run_conclusion x ON x.process_run_id = late.process_run_id
WHERE late.written_at > x.concluded_at;
