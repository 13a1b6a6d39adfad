-- Who stopped a run that was under way, and why. Written by fn_dot_run_stop; one row a run, insert-only.
CREATE TABLE dot_run_stop (
  process_run_id uuid PRIMARY KEY REFERENCES process_run_observation,
  actor          text NOT NULL,
  reason         text NOT NULL,
  recorded_by    text NOT NULL DEFAULT session_user,
  stopped_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
