-- Runs that verify the output of an earlier run again.
ALTER TABLE process_run_observation ADD COLUMN reverifies uuid REFERENCES process_run_observation;
ALTER TABLE process_run_observation ADD CONSTRAINT process_run_reverifies_another
  CHECK (reverifies IS NULL OR reverifies <> process_run_id AND lease_name IS NOT NULL AND evidence_type = 'DRY_RUN');
CREATE INDEX process_run_by_reverified ON process_run_observation (reverifies) WHERE reverifies IS NOT NULL;

-- What became of a run's output. The ledger names files for good, and files do not stay for good.
CREATE TABLE process_output_event (
  output_event_id uuid PRIMARY KEY,
  process_run_id  uuid NOT NULL REFERENCES process_run_observation,
  kind            text NOT NULL CHECK (kind IN ('pruned', 'moved', 'missing', 'changed')),
  output_ref      text NOT NULL,
  moved_to        text,
  found_digest    text,
  found_by        uuid REFERENCES process_run_observation,
  actor           text NOT NULL,
  recorded_by     text NOT NULL DEFAULT session_user,
  recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT process_output_moved_to CHECK ((kind = 'moved') = (moved_to IS NOT NULL)),
  CONSTRAINT process_output_found CHECK (found_digest IS NULL OR kind = 'changed')
);
CREATE INDEX process_output_event_by_run ON process_output_event (process_run_id, recorded_at);
