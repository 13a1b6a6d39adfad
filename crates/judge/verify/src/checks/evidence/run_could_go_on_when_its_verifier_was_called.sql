-- Replays the history between the two receipts of a run. A gate that the run depends on was not closed, unless the
-- closing let runs finish; and no window that was opened with stop_at_end ended before it was changed again. Opening a
-- gate again gives a run that was stopped no permission back. The clock was read a little before the receipt was
-- written.
--
-- Releases before 0023_windows asked for the posture instead.
WITH gate (key, opened_by, is_for_real) AS (VALUES
  ('iu_core.operator_runtime_enabled', 'true', false),
  ('process_dot_runtime.execute_enabled', 'true', false),
  ('process_dot_runtime.real_run_enabled', 'true', true),
  ('process_dot_runtime.dry_run_only', 'false', true)
), receipt AS (
  SELECT v.invocation_id, v.begun_at, p.mode, p.begun_change_number AS since, v.begun_change_number AS upto
  FROM ledger.dot_invocation v
  JOIN ledger.dot_invocation p ON p.process_run_id = v.process_run_id AND p.component_role = 'producer'
  WHERE v.component_role = 'verifier' AND v.begun_at >= coalesce((
    SELECT m.applied_at FROM ledger.dot_contract_migration m WHERE m.name = '0023_windows'), '-infinity')
), in_force AS (
  SELECT r.invocation_id, r.begun_at, r.since, g.opened_by, h.key, h.value, h.expires_at, h.stop_at_end, h.let_finish,
    h.change_number,
    lead(h.effective_at) OVER (PARTITION BY r.invocation_id, h.key ORDER BY h.change_number) AS replaced_at
  FROM receipt r
  JOIN gate g ON r.mode = 'REAL_RUN' OR NOT g.is_for_real
  JOIN ledger.dot_config_history h ON h.key = g.key AND h.change_number <= r.upto AND h.change_number >= coalesce((
    SELECT max(b.change_number) FROM ledger.dot_config_history b WHERE b.key = g.key AND b.change_number <= r.since), 1)
)
SELECT f.invocation_id::text AS subject, format('%s was closed before it, by change %s', f.key, f.change_number) AS what
FROM in_force f WHERE f.change_number > f.since AND f.value <> f.opened_by AND NOT f.let_finish
UNION ALL
SELECT f.invocation_id::text, format('the window of %s had ended at %s, which stops runs', f.key, f.expires_at)
FROM in_force f WHERE f.stop_at_end AND f.expires_at <= coalesce(f.replaced_at, f.begun_at - interval '10 seconds');
