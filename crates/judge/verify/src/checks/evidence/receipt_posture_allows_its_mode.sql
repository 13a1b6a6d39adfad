-- A verifier is called under the permission that its run was begun with, which
-- run_could_go_on_when_its_verifier_was_called replays; its receipt says the posture of that moment.
SELECT i.invocation_id::text AS subject, format('mode %s in posture %s', i.mode, i.posture) AS what
FROM ledger.dot_invocation i
WHERE i.component_role = 'producer' AND i.posture <> 'REAL_RUN' AND (i.mode = 'REAL_RUN'
  OR i.posture <> 'DRY_RUN_ONLY');
