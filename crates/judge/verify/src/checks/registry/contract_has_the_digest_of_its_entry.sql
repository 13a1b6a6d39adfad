SELECT c.dot_code || ' ' || c.mode AS subject,
  format('its digest is %s, and no version of it that the registry keeps has that digest', c.contract_sha256) AS what
FROM ledger.dot_agent_api_contract c
WHERE NOT EXISTS (
  SELECT FROM ledger.dot_registry_history h
  WHERE h.kind = 'contract' AND h.key = c.dot_code || ' ' || c.mode
    AND encode(sha256(convert_to((h.entry - 'reason')::text, 'UTF8')), 'hex') = c.contract_sha256);
