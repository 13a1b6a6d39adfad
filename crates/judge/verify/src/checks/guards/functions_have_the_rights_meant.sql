-- Required are the functions of this release; allowed are those that the contract names for archiving and for delivery.
-- Any other SECURITY DEFINER function is undeclared access.
WITH definer (function_name, is_required) AS (VALUES
  ('fn_dot_iu_operator_runtime_enabled', true), ('fn_process_dot_posture', true), ('fn_dot_gate_set', true),
  ('fn_dot_preflight', true), ('fn_assert_safe_for_dot_action', true), ('fn_dot_preflight_run_check', true),
  ('fn_dot_iu_runtime_lease_acquire', true), ('fn_dot_iu_runtime_lease_renew', true),
  ('fn_dot_iu_runtime_lease_release', true),
  ('fn_process_run_observe', true), ('fn_process_component_observe', true), ('fn_process_pair_observe', true),
  ('fn_process_backfill', true), ('fn_dot_refusal_record', true),
  ('fn_dot_tools_import', true), ('fn_process_candidate_set', true), ('fn_dot_contract_set', true),
  ('fn_dot_fixture_put', true),
  ('fn_dot_preflight_check_set', true), ('fn_event_type_set_active', true), ('fn_dot_lease_force_release', true),
  ('fn_process_candidate_pair_set', true), ('fn_dot_tool_retire', true), ('fn_dot_contract_retire', true),
  ('fn_dot_catalogue_import', true),
  ('fn_process_run_begin', true), ('fn_dot_invocation_begin', true), ('fn_process_run_conclude', true),
  ('fn_process_run_reap', true),
  ('fn_process_run_record_producer', true), ('fn_process_run_record_verifier_and_conclude', true),
  ('fn_process_last_verified_output', true), ('fn_process_run_reverify_begin', true),
    ('fn_process_output_event_record', true),
  ('fn_dot_run_request', true), ('fn_dot_run_request_claim', true), ('fn_dot_run_request_renew', true),
    ('fn_dot_run_request_finish', true),
  ('fn_dot_run_request_cancel', true), ('fn_dot_run_resolve', true), ('fn_dot_lease_holder_ended', true),
  ('fn_dot_tool_pause', true), ('fn_dot_tool_resume', true), ('fn_dot_gate_change_record', true),
  ('fn_process_run_may_continue', true),
  ('fn_process_run_stop_cause', true), ('fn_dot_run_stop', true)
)
SELECT coalesce(d.function_name, p.proname::text) AS subject,
  CASE WHEN p.oid IS NULL THEN 'the function is missing' WHEN d.function_name IS NULL
    THEN 'works with its owner''s rights, and is none of the contract''s'
    ELSE 'does not work with its owner''s rights' END AS what
FROM definer d
FULL JOIN (SELECT f.oid, f.proname, f.prosecdef FROM pg_proc f WHERE f.pronamespace = ledger_oid) AS p
  ON p.proname = d.function_name
WHERE CASE WHEN p.oid IS NULL THEN d.is_required WHEN d.function_name IS NULL THEN p.prosecdef ELSE NOT p.prosecdef END
UNION ALL
-- Registered checks are foreign code: they must not run as the owner of the ledger, where there is another role.
SELECT p.proname::text, format('runs registered checks with the rights of %s, who owns the ledger', p.proowner::regrole)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ledger_name AND p.proname = 'fn_dot_preflight_run_check' AND p.proowner = n.nspowner
  -- In an installation without roles one account owns everything, and no other role has privileges.
  AND EXISTS (SELECT FROM pg_class c CROSS JOIN aclexplode(c.relacl) AS a
              WHERE c.relnamespace = n.oid AND c.relname = 'process_run_observation' AND a.grantee <> n.nspowner);
