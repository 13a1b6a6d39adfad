SELECT v.component_run_id::text AS subject, format('its receipt %s bears no digest', i.invocation_id) AS what
FROM ledger.process_component_observation v
JOIN ledger.dot_invocation i ON i.invocation_id = v.invocation_id
WHERE v.verdict = 'pass' AND v.component_role = 'verifier' AND i.input_digest IS NULL;
