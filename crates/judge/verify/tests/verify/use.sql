-- Two pairs, a DOT of its own, candidates with and without an owner.
SELECT dot.fn_dot_tools_import('[
  {"dot_code": "COPY", "name": "copy", "tier": "B", "paired_dot": "COMPARE", "pair_role": "producer",
    "execution_engine": "command",
   "extra_metadata": {"process_candidate_code": "PROC:copy"}},
  {"dot_code": "COMPARE", "name": "compare", "tier": "A", "paired_dot": "COPY", "pair_role": "verifier",
    "execution_engine": "command"},
  {"dot_code": "PACK", "name": "pack", "tier": "A", "paired_dot": "LIST", "pair_role": "producer"},
  {"dot_code": "LIST", "name": "list", "tier": "A", "paired_dot": "PACK", "pair_role": "verifier"},
  {"dot_code": "ALONE", "name": "alone", "tier": "A"}]', 'ann');
SELECT dot.fn_process_candidate_set('PROC:copy', 'Copying', 'ops', 'ann');
SELECT dot.fn_process_candidate_set('PROC:nobodys', 'Nobody''s', E' \u00a0\t', 'ann');
SELECT dot.fn_process_candidate_set('PROC:unobserved', 'Not observed', NULL, 'ann');
-- Declared, and taken back.
SELECT dot.fn_process_candidate_pair_set('PROC:unobserved', 'COPY', 'ann', 'perhaps');
SELECT dot.fn_process_candidate_pair_set('PROC:unobserved', 'COPY', 'ann', 'it is none', false);
----
-- Each wrapper status, keyed and not, with the event types off.
SELECT dot.fn_process_pair_observe('COPY', 'PROC:copy', 'corr-1', 'ann',
  p_process_run_id => '05000000-0000-7000-8000-000000000001', p_idempotency_key => 'key-1');
----
SELECT dot.fn_process_pair_observe('COPY', 'PROC:copy', 'corr-1', 'ann', p_idempotency_key => 'key-1');
----
SELECT dot.fn_process_pair_observe('COPY', 'PROC:copy', 'corr-2', 'ann', p_wrapper_status => 'prepared',
  p_evidence_type => 'REAL_RUN');
----
SELECT dot.fn_process_pair_observe('PACK', 'PROC:pack', 'corr-3', 'bob', p_wrapper_status => 'skipped',
  p_evidence_ref => '{"actor": "eve", "no_execute": false, "note": "kept"}');
----
-- Step by step, in transactions of their own.
SELECT dot.fn_process_run_observe('PROC:copy', 'corr-7', 'ann', p_status => 'completed', p_dot_code => 'COPY',
  p_process_run_id => '05000000-0000-7000-8000-000000000002', p_idempotency_key => 'key-7');
----
SELECT dot.fn_process_component_observe('05000000-0000-7000-8000-000000000002', 'COPY', 'producer', 'corr-7', 'ann',
  p_status => 'step_completed', p_component_run_id => '05000000-0000-7000-8000-00000000002a',
  p_idempotency_key => 'key-7:COPY');
----
SELECT dot.fn_process_component_observe('05000000-0000-7000-8000-000000000002', 'COMPARE', 'verifier', 'corr-7', 'ann',
  p_status => 'step_started', p_component_run_id => '05000000-0000-7000-8000-00000000002b');
----
-- From here on with events.
SELECT dot.fn_event_type_set_active(e, true, 'ann', 'listening')
FROM unnest('{process.run.completed,process.step.completed,process.run.failed,process.run.started,'
  'process.step.started}'::text[]) e;
----
SELECT dot.fn_process_pair_observe('PACK', 'PROC:pack', 'corr-4', 'bob', p_wrapper_status => 'failed',
  p_error_ref => 'log:4');
----
SELECT dot.fn_process_pair_observe('COPY', 'PROC:nobodys', 'corr-5', 'bob', p_input_ref => 'in', p_output_ref => 'out');
----
SELECT dot.fn_process_pair_observe('COPY', 'PROC:copy', 'corr-6', 'bob', p_wrapper_status => 'started');
----
-- A header that nothing follows, and one that names no DOT.
SELECT dot.fn_process_run_observe('PROC:headers', 'corr-8', 'ann',
  p_process_run_id => '05000000-0000-7000-8000-000000000003');
SELECT dot.fn_process_run_observe('PROC:headers', 'corr-9', 'ann', p_dot_code => 'ALONE', p_status => 'stuck',
  p_process_run_id => '05000000-0000-7000-8000-000000000004');
----
SELECT dot.fn_event_type_set_active('process.run.failed', false, 'ann', 'enough');
----
SELECT dot.fn_process_pair_observe('PACK', 'PROC:pack', 'corr-10', 'bob', p_wrapper_status => 'failed');
----
-- Backfilled, twice the same, a verifier's row alone, and a DOT without a pair.
SELECT dot.fn_process_backfill('[
  {"dot_code": "COPY", "process_candidate_code": "PROC:old", "correlation_id": "old-1",
    "process_run_id": "0b000000-0000-7000-8000-000000000001", "colour": "red"},
  {"dot_code": "COMPARE", "process_candidate_code": "PROC:old", "correlation_id": "old-2", "status": "failed"},
  {"dot_code": "ALONE", "process_candidate_code": "PROC:old", "correlation_id": "old-3", "status": "started"}]',
  'ann', 'file:old.csv', repeat('a', 64));
----
SELECT dot.fn_process_backfill('[{"dot_code": "ALONE", "process_candidate_code": "PROC:old", "correlation_id": "old-3",'
  ' "status": "started"}]',
  'ann', 'file:old.csv', repeat('a', 64));
----
SELECT dot.fn_dot_iu_runtime_lease_acquire('dot_exec:PACK', 'bob', 60);
----
SELECT dot.fn_dot_lease_force_release('dot_exec:PACK', 'ann', 'bob went home');
----
SELECT dot.fn_dot_refusal_record('{"refusal_code": "unknown_dot", "message": "there is no DOT"}');
