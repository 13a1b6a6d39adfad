-- What a change of a gate means for the runs that are under way (docs/decisions/0077-a-window-says-what-may-begin.md).
-- stop_at_end: an opening whose end also stops them. let_finish: a closing that only keeps new runs out.
-- stop_now: a closing that stops them without the grace of their contracts.
ALTER TABLE dot_config
  ADD COLUMN stop_at_end boolean NOT NULL DEFAULT false,
  ADD COLUMN let_finish boolean NOT NULL DEFAULT false,
  ADD COLUMN stop_now boolean NOT NULL DEFAULT false,
  -- Also against changes by hand: what stands in a row belongs to the value beside it.
  ADD CONSTRAINT dot_config_options_fit_the_value CHECK (NOT (let_finish AND stop_now) AND
    CASE WHEN value = CASE key WHEN 'process_dot_runtime.dry_run_only' THEN 'false' ELSE 'true' END
      THEN NOT (let_finish OR stop_now) AND (NOT stop_at_end OR expires_at IS NOT NULL) ELSE NOT stop_at_end END);
ALTER TABLE dot_config_history
  ADD COLUMN stop_at_end boolean NOT NULL DEFAULT false,
  ADD COLUMN let_finish boolean NOT NULL DEFAULT false,
  ADD COLUMN stop_now boolean NOT NULL DEFAULT false;
-- The changes of one gate around a number: asked for each run that is under way.
CREATE INDEX dot_config_history_by_key ON dot_config_history (key, change_number);

-- A verifier of a run that was begun in time is called behind the end of the window. Its receipt says the posture of
-- that moment.
ALTER TABLE dot_invocation DROP CONSTRAINT dot_invocation_posture_check;
ALTER TABLE dot_invocation ADD CONSTRAINT dot_invocation_posture_check CHECK (posture IN ('DRY_RUN_ONLY', 'REAL_RUN')
  OR posture = 'NO_EXECUTE' AND component_role = 'verifier');

-- The signature without these options: CREATE OR REPLACE would leave it beside the new one.
DROP FUNCTION IF EXISTS fn_dot_gate_set(text, text, text, text, timestamptz);
