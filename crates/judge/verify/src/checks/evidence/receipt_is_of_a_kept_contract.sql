-- The digest on a receipt beside every version of the contract that the registry keeps. Earlier releases recorded none.
SELECT i.invocation_id::text AS subject,
  CASE WHEN i.component_role = 'verifier' AND i.contract_sha256 IS DISTINCT FROM p.verifier_contract_sha256
      THEN format('the verifier''s contract %s is not that of the instant when the run was begun, %s',
        coalesce(i.contract_sha256, 'none'), p.verifier_contract_sha256)
    ELSE format('the registry keeps no version %s of the contract of %s in mode %s', i.contract_sha256, i.dot_code,
      i.mode) END AS what
FROM ledger.dot_invocation i
LEFT JOIN ledger.dot_invocation p ON p.process_run_id = i.process_run_id AND p.component_role = 'producer'
WHERE i.component_role = 'verifier' AND p.verifier_contract_sha256 IS NOT NULL
    AND i.contract_sha256 IS DISTINCT FROM p.verifier_contract_sha256
  OR i.contract_sha256 IS NOT NULL AND NOT EXISTS (
    SELECT FROM ledger.dot_registry_history h
    WHERE h.kind = 'contract' AND h.key IN (i.dot_code || ' ' || i.mode, i.dot_code || ' VERIFY_ONLY')
      AND encode(sha256(convert_to((h.entry - 'reason')::text, 'UTF8')), 'hex') = i.contract_sha256);
