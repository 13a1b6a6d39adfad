SELECT i.invocation_id::text AS subject,
  CASE WHEN p.component_run_id IS NULL THEN 'its run has no producer''s output'
    WHEN p.created_at > i.begun_at THEN format('opened at %s, the producer''s output is of %s', i.begun_at, p.created_at)
    ELSE format('it bears %s, the producer''s output %s', coalesce(quote_literal(i.input_digest), 'no digest'), coalesce(quote_literal(p.output_digest), 'has none')) END AS what
FROM dot_invocation i
LEFT JOIN process_component_observation p ON p.process_run_id = i.process_run_id AND p.component_role = 'producer'
WHERE i.component_role = 'verifier'
  AND (p.component_run_id IS NULL OR p.created_at > i.begun_at OR i.input_digest IS DISTINCT FROM p.output_digest);
