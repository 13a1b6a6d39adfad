-- Returns why a run that was begun may not go on, and null where it may. The one place of this rule: the runner asks it
-- while tools are called (fn_process_run_may_continue), and so does a verifier's receipt.
--
-- A run goes on under the permission that it was begun with. It ends for good with the first of these:
--   run_stopped    somebody stopped the run (fn_dot_run_stop);
--   gate_closed    an operator closed a gate that the run depends on, other than with let_finish. Opening the gate
--                  again does not revive the run, and letting runs finish afterwards does not either;
--   window_ended   a gate that was opened with stop_at_end ended by its clock before it was changed again. Prolonged
--                  in time, the new setting says what its end means.
-- A receipt that a closing missed is void also where that closing lets runs finish: to it, the run is a new one.
--
-- The history answers, not the posture: between two looks a gate may have been closed and opened again. What the
-- history does not show yet, or what was changed around it, shows in dot_config.
CREATE OR REPLACE FUNCTION fn_dot_run_stop_cause(p_process_run_id uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now     timestamptz := clock_timestamp();
  v_mode    text;
  v_number  bigint;
  v_is_void boolean;
BEGIN
  SELECT i.mode, coalesce(i.begun_change_number, 0),
    EXISTS (SELECT FROM v_dot_void_receipt x WHERE x.invocation_id = i.invocation_id)
  INTO v_mode, v_number, v_is_void
  -- The run's first receipt: the producer's, or the only one of a run that verifies again.
  FROM dot_invocation i WHERE i.process_run_id = p_process_run_id ORDER BY i.component_role LIMIT 1;
  IF NOT FOUND THEN
    RETURN '{"cause": "never_begun", "now": false}'::jsonb;
  END IF;
  RETURN (
    WITH needed (key, opened_by) AS (
      SELECT g.key, g.opened_by FROM (VALUES
        ('iu_core.operator_runtime_enabled', 'true', false), ('process_dot_runtime.execute_enabled', 'true', false),
        ('process_dot_runtime.dry_run_only', 'false', true), ('process_dot_runtime.real_run_enabled', 'true', true))
        AS g (key, opened_by, is_for_real)
      WHERE v_mode = 'REAL_RUN' OR NOT g.is_for_real
    ), in_force AS (
      -- Each gate's last change that the receipt saw, and those since.
      SELECT n.opened_by, h.key, h.value, h.expires_at, h.actor, h.reason, h.changed_at, h.change_number,
        h.stop_at_end, h.let_finish, h.stop_now,
        lead(h.effective_at) OVER (PARTITION BY h.key ORDER BY h.change_number) AS replaced_at
      FROM needed n JOIN dot_config_history h ON h.key = n.key AND h.change_number >= coalesce((
        SELECT max(b.change_number) FROM dot_config_history b WHERE b.key = n.key AND b.change_number <= v_number), 1)
    ), found (cause, gate, actor, reason, at, is_now) AS (
      SELECT 'run_stopped', NULL, s.actor, s.reason, s.stopped_at, false
      FROM dot_run_stop s WHERE s.process_run_id = p_process_run_id
      UNION ALL
      SELECT 'gate_closed', f.key, f.actor, f.reason, f.changed_at, f.stop_now FROM in_force f
      WHERE f.change_number > v_number AND f.value <> f.opened_by AND (NOT f.let_finish OR v_is_void)
      UNION ALL
      SELECT 'window_ended', f.key, f.actor, f.reason, f.expires_at, false FROM in_force f
      WHERE f.stop_at_end AND f.expires_at <= coalesce(f.replaced_at, v_now)
      UNION ALL
      SELECT 'gate_closed', n.key, c.updated_by, c.reason, coalesce(c.updated_at, v_now), c.stop_now IS TRUE
      FROM needed n LEFT JOIN dot_config c ON c.key = n.key
      WHERE (c.value = n.opened_by OR c.let_finish) IS NOT TRUE
    )
    SELECT jsonb_strip_nulls(jsonb_build_object('cause', f.cause, 'gate', f.gate, 'by', f.actor, 'reason', f.reason,
      'at', f.at, 'now', (SELECT bool_or(any_of.is_now) FROM found any_of)))
    FROM found f ORDER BY f.at, f.cause LIMIT 1);
END;
$$;
