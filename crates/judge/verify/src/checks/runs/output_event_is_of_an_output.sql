SELECT e.output_event_id::text AS subject,
  CASE WHEN p.output_ref IS NULL THEN 'its run has no output'
    WHEN e.found_digest = p.output_digest THEN 'it says changed, and found the committed digest'
    WHEN f.reverifies IS DISTINCT FROM e.process_run_id AND e.found_by IS NOT NULL
      THEN 'it was found by a run that did not verify this output again'
    ELSE format('%s was never the place of this output', quote_literal(left(e.output_ref, 200))) END AS what
FROM ledger.process_output_event e
LEFT JOIN ledger.process_component_observation p ON p.process_run_id = e.process_run_id
  AND p.component_role = 'producer'
LEFT JOIN ledger.process_run_observation f ON f.process_run_id = e.found_by
WHERE p.output_ref IS NULL OR e.found_digest = p.output_digest
  OR e.found_by IS NOT NULL AND f.reverifies IS DISTINCT FROM e.process_run_id
  OR e.output_ref <> p.output_ref AND NOT EXISTS (SELECT FROM ledger.process_output_event m
    WHERE m.process_run_id = e.process_run_id AND m.moved_to = e.output_ref);
