-- Releases before 0009_keys_and_bounds refused only a verifier that had failed.
SELECT v.component_run_id::text AS subject, format('it is %s, and says pass', v.status) AS what
FROM ledger.process_component_observation v
JOIN ledger.dot_invocation i ON i.invocation_id = v.invocation_id
WHERE v.verdict = 'pass' AND v.component_role = 'verifier' AND v.status <> 'step_completed'
  AND (v.status IN ('failed', 'cancelled', 'stuck', 'orphan')
    OR v.created_at >= coalesce((SELECT m.applied_at FROM ledger.dot_contract_migration m
      WHERE m.name = '0009_keys_and_bounds'),
    '-infinity'));
