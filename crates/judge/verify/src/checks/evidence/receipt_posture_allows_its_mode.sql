SELECT i.invocation_id::text AS subject, format('mode %s in posture %s', i.mode, i.posture) AS what
FROM ledger.dot_invocation i
WHERE i.posture <> 'REAL_RUN' AND (i.mode = 'REAL_RUN' OR i.posture <> 'DRY_RUN_ONLY');
