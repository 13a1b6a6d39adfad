SELECT i.invocation_id::text AS subject,
  CASE WHEN p.component_run_id IS NULL THEN 'its run has no producer''s output'
    ELSE format('it bears %s, the producer''s output %s', coalesce(quote_literal(i.input_digest), 'no digest'),
      coalesce(quote_literal(p.output_digest), 'has none')) END AS what
FROM ledger.dot_invocation i
LEFT JOIN ledger.process_component_observation p ON p.process_run_id = i.process_run_id
  AND p.component_role = 'producer'
WHERE i.component_role = 'verifier'
  AND (p.component_run_id IS NULL OR i.input_digest IS DISTINCT FROM p.output_digest);
