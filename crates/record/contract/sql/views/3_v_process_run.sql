-- One row per run: its header, its effective status (the conclusion's where there is one), and both components. It uses
-- the statement's clock: a volatile function would prevent the planner from inlining the view, and 'the newest twenty'
-- would read every run.
--
-- evidence_type is derived from the run's rows and not from its header's claim (header_evidence_type): the producer's
-- type, else the verifier's, else the mode of the producer's receipt, unless that is void. A header alone is no
-- evidence of a run. No real run passes with a mock in it, be it the producer or the verifier.
CREATE OR REPLACE VIEW v_process_run AS
SELECT r.process_run_id, r.dot_code, r.process_candidate_code, r.process_definition_code, r.correlation_id,
  r.parent_run_id, r.event_code,
  coalesce(x.status, r.status) AS status, r.status AS header_status,
  CASE WHEN x.verdict = 'pass' AND i.mode = 'REAL_RUN' AND 'SIMULATED_DRY_RUN' IN (p.evidence_type, v.evidence_type)
    THEN NULL ELSE x.verdict END AS verdict,
  coalesce(p.evidence_type, v.evidence_type,
    CASE WHEN NOT EXISTS (SELECT FROM v_dot_void_receipt o WHERE o.invocation_id = i.invocation_id) THEN i.mode END,
    CASE r.evidence_type WHEN 'BACKFILLED_EVIDENCE' THEN r.evidence_type ELSE 'SIMULATED_DRY_RUN' END) AS evidence_type,
  r.source_system, r.idempotency_key,
  r.input_ref, coalesce(x.output_ref, r.output_ref) AS output_ref, coalesce(x.error_ref, r.error_ref) AS error_ref,
  r.evidence_ref || coalesce(x.evidence_ref, '{}') AS evidence_ref,
  r.actor, r.recorded_by, r.started_at, coalesce(r.ended_at, x.concluded_at) AS ended_at, r.created_at,
  p.dot_code AS producer_dot_code, p.component_run_id AS producer_component_run_id, p.status AS producer_status,
  p.evidence_type AS producer_evidence_type, v.dot_code AS verifier_dot_code,
  v.component_run_id AS verifier_component_run_id, v.status AS verifier_status,
  v.evidence_type AS verifier_evidence_type,
  CASE WHEN isfinite(r.started_at) AND isfinite(coalesce(r.ended_at, x.concluded_at))
    THEN coalesce(r.ended_at, x.concluded_at) - r.started_at END AS duration,
  statement_timestamp() - r.created_at AS age,
  r.lease_name,
  CASE WHEN l.released_at IS NULL AND l.expires_at > statement_timestamp() THEN l.lease_holder END AS lease_holder,
  x.concluded_at, r.evidence_type AS header_evidence_type,
  -- Other writers' evidence may have anything there.
  CASE WHEN jsonb_typeof(p.evidence_ref -> 'warnings') = 'array' THEN jsonb_array_length(p.evidence_ref -> 'warnings')
    ELSE 0 END
  + CASE WHEN jsonb_typeof(v.evidence_ref -> 'warnings') = 'array' THEN jsonb_array_length(v.evidence_ref -> 'warnings')
    ELSE 0 END AS warnings,
  r.attempt, r.attempt_of,
  (SELECT f.happened FROM dot_run_resolution f WHERE f.process_run_id = r.process_run_id
   ORDER BY f.resolved_at DESC, f.resolution_id DESC LIMIT 1) AS happened,
  s.actor AS stopped_by, s.reason AS stop_reason, s.stopped_at,
  CASE WHEN p.evidence_ref ->> 'output_kind' IN ('file', 'stdout', 'path', 'reference')
    THEN p.evidence_ref ->> 'output_kind' END AS output_kind,
  r.reverifies,
  (SELECT e.kind FROM process_output_event e WHERE e.process_run_id = r.process_run_id
   ORDER BY e.recorded_at DESC, e.output_event_id DESC LIMIT 1) AS output_state,
  (SELECT e.moved_to FROM process_output_event e WHERE e.process_run_id = r.process_run_id AND e.kind = 'moved'
   ORDER BY e.recorded_at DESC, e.output_event_id DESC LIMIT 1) AS output_moved_to,
  i.runner
FROM process_run_observation r
LEFT JOIN process_run_conclusion x ON x.process_run_id = r.process_run_id
LEFT JOIN process_component_observation p ON p.process_run_id = r.process_run_id AND p.component_role = 'producer'
LEFT JOIN process_component_observation v ON v.process_run_id = r.process_run_id AND v.component_role = 'verifier'
LEFT JOIN dot_run_stop s ON s.process_run_id = r.process_run_id
-- Where the producer has no component yet, its receipt has the mode of the call. A reverification calls its verifier
-- only.
LEFT JOIN dot_invocation i ON i.process_run_id = r.process_run_id
  AND i.component_role = CASE WHEN r.reverifies IS NULL THEN 'producer' ELSE 'verifier' END
LEFT JOIN dot_iu_runtime_lease l ON l.lease_name = r.lease_name AND l.lease_token = r.lease_token;
