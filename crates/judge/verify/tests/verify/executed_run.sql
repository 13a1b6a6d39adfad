-- Gates open, for a while; a header that claims DRY_RUN without a component is no lie.
SELECT dot.fn_dot_gate_set('iu_core.operator_runtime_enabled', 'true', 'ann', 'a window',
  clock_timestamp() + interval '1 hour');
----
SELECT dot.fn_dot_gate_set('process_dot_runtime.execute_enabled', 'true', 'ann', 'a window');
----
SELECT dot.fn_process_run_observe('PROC:headers', 'corr-11', 'ann', p_evidence_type => 'DRY_RUN',
  p_process_run_id => '05000000-0000-7000-8000-000000000005');
----
SELECT dot.fn_dot_gate_set('process_dot_runtime.real_run_enabled', 'true', 'ann', 'a window');
SELECT dot.fn_dot_gate_set('process_dot_runtime.dry_run_only', 'false', 'ann', 'a window');
----
-- What may be called.
SELECT dot.fn_dot_contract_set(c, 'ann') FROM jsonb_array_elements('[
  {"dot_code": "COPY", "mode": "REAL_RUN", "endpoint_ref": "command:cp", "invocation": {"argv": ["cp"],
    "variables": {"A": "secret", "B": null}}},
  {"dot_code": "COPY", "mode": "REAL_RUN", "endpoint_ref": "command:cp", "timeout_ms": 1000,
    "invocation": {"argv": ["cp"], "variables": {"A": "secret", "B": null}}},
  {"dot_code": "COMPARE", "mode": "REAL_RUN", "endpoint_ref": "command:cmp", "candidate_code": "PROC:copy"},
  {"dot_code": "COPY", "mode": "DRY_RUN", "endpoint_ref": "command:cp", "no_mutation_assertion": true,
    "output_namespace": "DRYRUN-NS:t"},
  {"dot_code": "PACK", "mode": "DRY_RUN", "endpoint_ref": "command:tar", "no_mutation_assertion": true,
    "output_namespace": "DRYRUN-NS:t"},
  {"dot_code": "LIST", "mode": "DRY_RUN", "endpoint_ref": "command:tar", "no_mutation_assertion": true,
    "output_namespace": "DRYRUN-NS:t"}]') AS c;
SELECT dot.fn_dot_fixture_put('fixture', '{"b": 1.50,  "a": [2]}', encode(sha256('{"b": 1.50,  "a": [2]}'), 'hex'),
  'ann');
SELECT dot.fn_dot_preflight_check_set('gates_malformed', 'dot.fn_dot_check_malformed_gates', 'ann', 'medium', 'WARN',
  interval '90 seconds');
----
-- What was asked for, and what still waits.
INSERT INTO dot.dot_run_request (request_id, dot_code, process_candidate_code, mode, correlation_id, actor,
  requested_at, not_before, lease_name)
VALUES ('0a000000-0000-7000-8000-000000000001', 'COPY', 'PROC:copy', 'REAL_RUN', 'corr-e', 'ann', clock_timestamp(),
  clock_timestamp(), 'dot_exec:COPY'),
  ('0a000000-0000-7000-8000-000000000002', 'COPY', 'PROC:copy', 'REAL_RUN', 'corr-w', 'ann', clock_timestamp(),
    clock_timestamp(), 'dot_exec:COPY');
----
-- 1: header under its lease, and the producer's receipt.
BEGIN;
INSERT INTO dot.process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status,
  evidence_type, source_system,
  idempotency_key, lease_name, lease_token, evidence_ref, actor)
VALUES ('0e000000-0000-7000-8000-000000000001', 'COPY', 'PROC:copy', 'corr-e', 'started', 'REAL_RUN', 'dot_exec_runner',
  'request:0a000000-0000-7000-8000-000000000001',
  'dot_exec:COPY', '0e000000-0000-7000-8000-00000000001e',
    '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "REAL_RUN"}', 'run');
INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
  runner, begun_change_number, cluster_id)
VALUES ('{producer_receipt}', '0e000000-0000-7000-8000-000000000001', 'COPY', 'producer', 'REAL_RUN', 'REAL_RUN',
  'command:cp', 'run', (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id());
COMMIT;
----
-- 2: the producer's component, and the verifier's receipt, which bears its digest.
BEGIN;
INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
  correlation_id, dot_code,
  invocation_id, status, evidence_type, output_digest, source_system, evidence_ref, actor, started_at, ended_at)
VALUES ('0e000000-0000-7000-8000-00000000000a', '0e000000-0000-7000-8000-000000000001', 'producer', 'PROC:copy',
  'corr-e', 'COPY',
  '{producer_receipt}', 'step_completed', 'REAL_RUN',
    'sha256:1234123412341234123412341234123412341234123412341234123412341234', 'dot_exec_runner',
  '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "REAL_RUN", "endpoint_ref": "command:cp"}', 'run',
    clock_timestamp(), clock_timestamp());
INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
  runner, input_digest, begun_change_number, cluster_id)
VALUES ('{verifier_receipt}', '0e000000-0000-7000-8000-000000000001', 'COMPARE', 'verifier',
  'REAL_RUN', 'REAL_RUN', 'command:cmp', 'run',
  'sha256:1234123412341234123412341234123412341234123412341234123412341234',
    (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id());
COMMIT;
----
-- 3: the verifier's component with its verdict, the conclusion, and its event.
BEGIN;
INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
  correlation_id, dot_code,
  invocation_id, status, evidence_type, verdict, source_system, evidence_ref, actor, started_at, ended_at)
VALUES ('0e000000-0000-7000-8000-00000000000b', '0e000000-0000-7000-8000-000000000001', 'verifier', 'PROC:copy',
  'corr-e', 'COMPARE',
  '{verifier_receipt}', 'step_completed', 'REAL_RUN', 'pass', 'dot_exec_runner',
  '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "REAL_RUN", "endpoint_ref": "command:cmp"}', 'run',
    clock_timestamp(), clock_timestamp());
INSERT INTO dot.process_run_conclusion (process_run_id, status, verdict, output_ref, evidence_ref, concluded_by)
VALUES ('0e000000-0000-7000-8000-000000000001', 'completed', 'pass', 'out:e',
  '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "REAL_RUN"}', 'run');
SET LOCAL search_path = dot, pg_temp;
SELECT dot.fn_dot_rollup_run(r.process_run_id, r.process_candidate_code, r.dot_code, r.lease_name)
FROM dot.process_run_observation r WHERE r.process_run_id = '0e000000-0000-7000-8000-000000000001';
SELECT dot.fn_dot_event_emit('process.run.completed', '0e000000-0000-7000-8000-000000000001', NULL, 'corr-e', 'COPY',
  'completed', 'REAL_RUN', 'dot_exec_runner', NULL, 'out:e');
COMMIT;
----
UPDATE dot.dot_run_request SET state = 'finished', outcome = 'concluded',
  process_run_id = '0e000000-0000-7000-8000-000000000001',
  claimed_by = 'run', claims = 1, attempt = 1, finished_at = clock_timestamp()
    WHERE request_id = '0a000000-0000-7000-8000-000000000001';
----
-- The gate closes again; the receipts are all committed, so that none is void.
SELECT dot.fn_dot_gate_set('process_dot_runtime.real_run_enabled', 'false', 'ann', 'the window is over');
----
-- A dry run whose verifier turns out to be a mock: lowered to simulated, and with no conclusion yet.
BEGIN;
INSERT INTO dot.process_run_observation (process_run_id, dot_code, process_candidate_code, correlation_id, status,
  evidence_type, source_system,
  lease_name, lease_token, evidence_ref, actor)
VALUES ('0d000000-0000-7000-8000-000000000001', 'PACK', 'PROC:pack', 'corr-d', 'started', 'DRY_RUN', 'dot_exec_runner',
  'dot_exec:PACK', '0d000000-0000-7000-8000-00000000001e',
    '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "DRY_RUN_ONLY"}', 'run');
UPDATE dot.dot_iu_runtime_lease SET process_run_id = '0d000000-0000-7000-8000-000000000001'
WHERE lease_name = 'dot_exec:PACK';
INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
  runner, begun_change_number, cluster_id)
VALUES ('{dry_producer_receipt}', '0d000000-0000-7000-8000-000000000001', 'PACK', 'producer', 'DRY_RUN', 'DRY_RUN_ONLY',
  'command:tar', 'run', (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id());
COMMIT;
----
BEGIN;
INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
  correlation_id, dot_code,
  invocation_id, status, evidence_type, output_digest, source_system, evidence_ref, actor)
VALUES ('0d000000-0000-7000-8000-00000000000a', '0d000000-0000-7000-8000-000000000001', 'producer', 'PROC:pack',
  'corr-d', 'PACK',
  '{dry_producer_receipt}', 'step_completed', 'DRY_RUN',
    'sha256:5678567856785678567856785678567856785678567856785678567856785678', 'dot_exec_runner',
  '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "DRY_RUN_ONLY"}', 'run');
INSERT INTO dot.dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
  runner, input_digest, begun_change_number, cluster_id)
VALUES ('{dry_verifier_receipt}', '0d000000-0000-7000-8000-000000000001', 'LIST', 'verifier', 'DRY_RUN',
  'DRY_RUN_ONLY', 'command:tar', 'run', 'sha256:5678567856785678567856785678567856785678567856785678567856785678',
  (SELECT s.change_number FROM dot.dot_gate_state s), dot.fn_dot_cluster_id());
COMMIT;
----
INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
  correlation_id, dot_code,
  invocation_id, status, evidence_type, source_system, evidence_ref, actor)
VALUES ('0d000000-0000-7000-8000-00000000000b', '0d000000-0000-7000-8000-000000000001', 'verifier', 'PROC:pack',
  'corr-d', 'LIST',
  '{dry_verifier_receipt}', 'step_completed', 'SIMULATED_DRY_RUN', 'dot_exec_runner',
  '{"wrapper": "dot_exec_wrapper", "actor": "run", "posture": "DRY_RUN_ONLY"}', 'run');
