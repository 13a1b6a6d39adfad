-- The registry and posture tables for operators and consoles, without internal columns.

CREATE OR REPLACE VIEW v_dot_tool AS
SELECT t.dot_code, t.name, t.tier, t.operation, t.paired_dot, t.pair_role, t.trigger_type, t.execution_engine,
  t.script_path, t.status, t.extra_metadata, t.created_at, t.lease_scope, t.paused_until, t.paused_by, t.pause_reason
FROM dot_tools t;

CREATE OR REPLACE VIEW v_process_candidate AS
SELECT c.process_candidate_code, c.title, c.owner, c.created_at FROM process_candidate c;

-- Which producers' real runs count for which candidate. A real run also needs is_registered.
CREATE OR REPLACE VIEW v_process_candidate_pair AS
SELECT p.process_candidate_code, p.dot_code, p.is_inferred, p.declared_by, p.recorded_by, p.declared_at,
  EXISTS (SELECT FROM process_candidate c WHERE c.process_candidate_code = p.process_candidate_code) AS is_registered
FROM process_candidate_pair p;

CREATE OR REPLACE VIEW v_dot_gate_history AS
SELECT h.change_id, h.key, h.value, h.expires_at, h.actor, h.reason, h.recorded_by, h.changed_at,
  h.change_number, h.effective_at, h.stop_at_end, h.let_finish, h.stop_now
FROM dot_config_history h;

-- Values of a contract's variables are stored as digests (fn_dot_contract_entry). Earlier entries still have the values
-- in the table; this view hides them.
CREATE OR REPLACE VIEW v_dot_registry_history AS
SELECT h.change_id, h.kind, h.key,
  CASE jsonb_typeof(CASE h.kind WHEN 'contract' THEN h.entry #> '{invocation,variables}' END)
    WHEN 'object' THEN jsonb_set(h.entry, '{invocation,variables}', (
      SELECT coalesce(jsonb_object_agg(v.key,
        CASE WHEN v.value ~ '^sha256:[0-9a-f]{64}$' THEN v.value ELSE '(hidden)' END), '{}')
      FROM jsonb_each_text(h.entry #> '{invocation,variables}') v))
    WHEN 'null' THEN h.entry
    ELSE CASE WHEN h.kind = 'contract' AND h.entry #>> '{invocation,variables}' !~ '^sha256:[0-9a-f]{64}$'
      THEN jsonb_set(h.entry, '{invocation,variables}', '"(hidden)"') ELSE h.entry END
  END AS entry,
  h.actor, h.recorded_by, h.changed_at FROM dot_registry_history h;

-- Every version of every contract. contract_sha256 is computed from the stored entry, as fn_dot_contract_sha256 does.
CREATE OR REPLACE VIEW v_dot_contract_version AS
SELECT h.change_id, h.entry ->> 'dot_code' AS dot_code, h.entry ->> 'mode' AS mode,
  encode(sha256(convert_to((h.entry - 'reason')::text, 'UTF8')), 'hex') AS contract_sha256,
  v.entry - 'reason' AS contract, h.entry ->> 'reason' AS reason, h.actor, h.recorded_by, h.changed_at
FROM dot_registry_history h JOIN v_dot_registry_history v ON v.change_id = h.change_id
WHERE h.kind = 'contract';

-- What somebody found out about runs whose effect the record does not show. Never evidence.
CREATE OR REPLACE VIEW v_dot_run_resolution AS
SELECT s.resolution_id, s.process_run_id, s.happened, s.actor, s.reason, s.recorded_by, s.resolved_at
FROM dot_run_resolution s;

CREATE OR REPLACE VIEW v_dot_preflight_check AS
SELECT c.check_name, c.severity, c.on_finding, c.count_query, c.max_age, c.enabled, c.description
  FROM dot_preflight_check c;

-- Values of a contract's variables may be secrets: this view shows only their names. v_dot_contract_call has the
-- values.
CREATE OR REPLACE VIEW v_dot_contract AS
SELECT c.dot_code, c.mode, c.candidate_code, c.operation, c.role, c.fixture_ref, c.output_namespace,
  c.no_mutation_assertion, c.endpoint_ref,
  CASE jsonb_typeof(c.invocation -> 'variables')
    WHEN 'object' THEN jsonb_set(c.invocation, '{variables}', (
      SELECT coalesce(jsonb_object_agg(k, '(hidden)'), '{}') FROM jsonb_object_keys(c.invocation -> 'variables') k))
    WHEN 'null' THEN c.invocation
    ELSE CASE WHEN c.invocation ? 'variables' THEN jsonb_set(c.invocation, '{variables}', '"(hidden)"')
      ELSE c.invocation END
  END AS invocation,
  c.expected_output_schema, c.verifier_schema, c.timeout_ms, c.contract_status, c.created_at, c.may_repeat,
  c.max_attempts, c.requires, c.contract_sha256
FROM dot_agent_api_contract c;

-- Contracts with the values of their variables, for the roles that call and set them (access.toml).
CREATE OR REPLACE VIEW v_dot_contract_call AS
SELECT c.dot_code, c.mode, c.candidate_code, c.operation, c.role, c.fixture_ref, c.output_namespace,
  c.no_mutation_assertion, c.endpoint_ref, c.invocation, c.expected_output_schema, c.verifier_schema,
  c.timeout_ms, c.contract_status, c.created_at, c.may_repeat, c.max_attempts, c.requires, c.contract_sha256
FROM dot_agent_api_contract c;

CREATE OR REPLACE VIEW v_dot_fixture AS
SELECT f.fixture_ref, f.sha256, f.body, f.created_at FROM dot_fixture f;

CREATE OR REPLACE VIEW v_event_type AS
SELECT r.event_type, r.stream, r.lane, r.severity, r.active, r.description FROM event_type_registry r;

CREATE OR REPLACE VIEW v_dot_lease AS
SELECT l.lease_name, l.lease_holder, l.acquired_at, l.expires_at, l.released_at, l.acquisitions,
  CASE WHEN l.released_at IS NOT NULL THEN 'free' WHEN l.expires_at > clock_timestamp() THEN 'held' ELSE 'expired'
    END AS state,
  l.process_run_id, l.holder_process
FROM dot_iu_runtime_lease l;

CREATE OR REPLACE VIEW v_event_outbox AS
SELECT o.event_id, o.event_seq, o.event_type, o.stream, o.lane, o.severity, o.correlation_id, o.process_run_id,
  o.component_run_id, o.payload, o.occurred_at
FROM event_outbox o;

CREATE OR REPLACE VIEW v_dot_refusal AS
SELECT r.refusal_id, r.refusal_code, r.message, r.actor, r.dot_code, r.process_candidate_code, r.correlation_id,
  r.posture, r.detail, r.recorded_by, r.refused_at
FROM dot_refusal r;

CREATE OR REPLACE VIEW v_process_component AS
SELECT c.component_run_id, c.process_run_id, c.component_role, c.parent_run_id, c.process_candidate_code,
  c.correlation_id, c.dot_code, c.event_code, c.queue_job_id, c.invocation_id, c.status, c.evidence_type, c.verdict,
  c.output_digest, c.source_system, c.idempotency_key, c.input_ref, c.output_ref, c.error_ref, c.evidence_ref, c.actor,
  c.recorded_by, c.started_at, c.ended_at, c.created_at
FROM process_component_observation c;
