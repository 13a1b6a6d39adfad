SELECT c.component_run_id::text AS subject, format('a %s with the verdict %s', c.component_role, c.verdict) AS what
FROM ledger.process_component_observation c
WHERE c.verdict IS NOT NULL AND c.component_role <> 'verifier';
