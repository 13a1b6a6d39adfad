SELECT c.component_run_id::text AS subject,
  format('its receipt %s is of %s', i.invocation_id, concat_ws(', ',
    CASE WHEN i.process_run_id <> c.process_run_id THEN format('the run %s', i.process_run_id) END,
    CASE WHEN i.dot_code <> c.dot_code THEN format('the DOT %s', i.dot_code) END,
    CASE WHEN i.component_role <> c.component_role THEN format('the role %s', i.component_role) END,
    CASE WHEN c.evidence_type NOT IN (i.mode, 'SIMULATED_DRY_RUN') THEN format('the mode %s, the component claims %s',
      i.mode, c.evidence_type) END)) AS what
FROM ledger.process_component_observation c
JOIN ledger.dot_invocation i ON i.invocation_id = c.invocation_id
WHERE i.process_run_id <> c.process_run_id OR i.dot_code <> c.dot_code OR i.component_role <> c.component_role
  -- What answered as a mock is lowered to simulated; nothing is ever raised.
  OR c.evidence_type NOT IN (i.mode, 'SIMULATED_DRY_RUN');
