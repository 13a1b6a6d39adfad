-- The registry keeps every contract that there was. Which of them was in force is not asked: that would be the clock's
-- word.
SELECT i.invocation_id::text AS subject,
  format('%s was never bound to %s in mode %s for %s', i.dot_code, left(i.endpoint_ref, 200), i.mode,
    coalesce(r.process_candidate_code, 'no run')) AS what
FROM ledger.dot_invocation i
LEFT JOIN ledger.process_run_observation r ON r.process_run_id = i.process_run_id
WHERE NOT EXISTS (
  SELECT FROM ledger.dot_registry_history h
  WHERE h.kind = 'contract' AND h.key IN (i.dot_code || ' ' || i.mode, CASE WHEN r.reverifies IS NOT NULL
    THEN i.dot_code || ' VERIFY_ONLY' END)
    AND h.entry ->> 'endpoint_ref' = i.endpoint_ref
    AND coalesce(h.entry ->> 'candidate_code', r.process_candidate_code) IS NOT DISTINCT FROM r.process_candidate_code);
