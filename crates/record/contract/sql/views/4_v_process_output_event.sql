-- What became of runs' outputs.
CREATE OR REPLACE VIEW v_process_output_event AS
SELECT e.output_event_id, e.process_run_id, e.kind, e.output_ref, e.moved_to, e.found_digest, e.found_by, e.actor,
  e.recorded_by, e.recorded_at
FROM process_output_event e;

-- Runs that verified an output again, by the run that the output is of (reverifies).
CREATE OR REPLACE VIEW v_process_reverification AS
SELECT r.reverifies, r.process_run_id, coalesce(x.status, r.status) AS status, x.verdict, r.actor, r.recorded_by,
  r.created_at, x.concluded_at
FROM process_run_observation r
LEFT JOIN process_run_conclusion x ON x.process_run_id = r.process_run_id
WHERE r.reverifies IS NOT NULL;
