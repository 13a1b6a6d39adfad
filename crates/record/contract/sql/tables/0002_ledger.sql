-- The ledger: insert-only (guards/append_only.sql), every row complete when it is written.
--
-- No foreign key to dot_tools: it would lock one hot row of the registry in every call, and the functions, the only
-- writers, look the DOT up anyway; `dotwrap verify` checks it afterwards. Indexes are few on purpose, each is paid by
-- every insert; docs/decisions/0006-lean-indexes.md says what each is for.

CREATE TABLE process_run_observation (
  process_run_id          uuid PRIMARY KEY,
  dot_code                text,
  process_candidate_code  text NOT NULL,
  process_definition_code text,
  correlation_id          text NOT NULL,
  parent_run_id           uuid,
  event_code              text,
  status                  text NOT NULL CHECK (status IN ('observed', 'started', 'step_started', 'step_completed',
                            'completed', 'failed', 'stuck', 'cancelled', 'orphan')),
  evidence_type           text NOT NULL DEFAULT 'SIMULATED_DRY_RUN' CHECK (evidence_type IN ('REAL_RUN', 'DRY_RUN',
                            'SIMULATED_DRY_RUN', 'BACKFILLED_EVIDENCE')),
  source_system           text NOT NULL,
  idempotency_key         text,
  lease_name              text,
  lease_token             uuid,
  input_ref               text,
  output_ref              text,
  error_ref               text,
  evidence_ref            jsonb NOT NULL CHECK (jsonb_typeof(evidence_ref) = 'object'),
  actor                   text NOT NULL,
  recorded_by             text NOT NULL DEFAULT session_user,
  started_at              timestamptz,
  ended_at                timestamptz,
  created_at              timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT process_run_lease_is_whole CHECK ((lease_name IS NULL) = (lease_token IS NULL))
);
CREATE UNIQUE INDEX process_run_idempotency ON process_run_observation (idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX process_run_by_correlation ON process_run_observation (correlation_id);
CREATE INDEX process_run_by_time ON process_run_observation (created_at);

-- The receipt that a DOT was really called. Opened before the call, by fn_process_run_begin and
-- fn_dot_invocation_begin alone.
CREATE TABLE dot_invocation (
  invocation_id  uuid PRIMARY KEY,
  process_run_id uuid NOT NULL REFERENCES process_run_observation,
  dot_code       text NOT NULL,
  component_role text NOT NULL CHECK (component_role IN ('producer', 'verifier')),
  mode           text NOT NULL CHECK (mode IN ('DRY_RUN', 'REAL_RUN')),
  posture        text NOT NULL CHECK (posture IN ('DRY_RUN_ONLY', 'REAL_RUN')),
  endpoint_ref   text NOT NULL,
  input_digest   text,
  runner         text NOT NULL,
  recorded_by    text NOT NULL DEFAULT session_user,
  begun_xid      xid8 NOT NULL DEFAULT pg_current_xact_id(),
  begun_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- What the posture was read under; null counts as having seen nothing.
  begun_snapshot pg_snapshot,
  -- One call of each side: a second try is another run.
  CONSTRAINT dot_invocation_once_a_role UNIQUE (process_run_id, component_role)
);

CREATE TABLE process_component_observation (
  component_run_id       uuid PRIMARY KEY,
  process_run_id         uuid NOT NULL REFERENCES process_run_observation,
  component_role         text NOT NULL CHECK (component_role IN ('producer', 'verifier')),
  parent_run_id          uuid,
  process_candidate_code text NOT NULL,
  correlation_id         text NOT NULL,
  dot_code               text NOT NULL,
  event_code             text,
  queue_job_id           uuid,
  invocation_id          uuid REFERENCES dot_invocation,
  status                 text NOT NULL CHECK (status IN ('observed', 'started', 'step_started', 'step_completed',
                           'completed', 'failed', 'stuck', 'cancelled', 'orphan')),
  evidence_type          text NOT NULL DEFAULT 'SIMULATED_DRY_RUN' CHECK (evidence_type IN ('REAL_RUN', 'DRY_RUN',
                           'SIMULATED_DRY_RUN', 'BACKFILLED_EVIDENCE')),
  verdict                text CHECK (verdict IN ('pass', 'fail', 'error')),
  output_digest          text,
  source_system          text NOT NULL,
  idempotency_key        text,
  input_ref              text,
  output_ref             text,
  error_ref              text,
  evidence_ref           jsonb NOT NULL CHECK (jsonb_typeof(evidence_ref) = 'object'),
  actor                  text NOT NULL,
  recorded_by            text NOT NULL DEFAULT session_user,
  started_at             timestamptz,
  ended_at               timestamptz,
  created_at             timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT process_component_role_once UNIQUE (process_run_id, component_role),
  -- The rule that the product exists for, held by the table itself and not only by the functions above it.
  CONSTRAINT process_component_execution_needs_receipt
    CHECK (invocation_id IS NOT NULL OR (evidence_type NOT IN ('DRY_RUN', 'REAL_RUN') AND verdict IS NULL))
);
CREATE UNIQUE INDEX process_component_idempotency ON process_component_observation (idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX process_component_receipt_once ON process_component_observation (invocation_id)
  WHERE invocation_id IS NOT NULL;
-- The proofs that the ladder asks for; simulated rows never enter these.
CREATE INDEX process_component_real_producer ON process_component_observation (process_candidate_code)
  WHERE evidence_type = 'REAL_RUN' AND component_role = 'producer' AND status = 'step_completed' AND invocation_id IS NOT NULL;
CREATE INDEX process_component_real_pass ON process_component_observation (process_candidate_code, process_run_id)
  WHERE evidence_type = 'REAL_RUN' AND component_role = 'verifier' AND verdict = 'pass' AND invocation_id IS NOT NULL;
CREATE INDEX process_component_dry_run ON process_component_observation (process_candidate_code)
  WHERE evidence_type = 'DRY_RUN' AND invocation_id IS NOT NULL;

CREATE TABLE process_run_conclusion (
  process_run_id uuid PRIMARY KEY REFERENCES process_run_observation,
  status         text NOT NULL CHECK (status IN ('completed', 'failed', 'stuck', 'cancelled', 'orphan')),
  verdict        text CHECK (verdict IN ('pass', 'fail', 'error')),
  output_ref     text,
  error_ref      text,
  evidence_ref   jsonb NOT NULL CHECK (jsonb_typeof(evidence_ref) = 'object'),
  concluded_by   text NOT NULL,
  recorded_by    text NOT NULL DEFAULT session_user,
  concluded_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE SEQUENCE event_outbox_seq;
CREATE TABLE event_outbox (
  event_id         uuid PRIMARY KEY,
  event_seq        bigint NOT NULL DEFAULT nextval('event_outbox_seq'),
  event_type       text NOT NULL,
  stream           text NOT NULL,
  lane             text NOT NULL,
  severity         text NOT NULL,
  correlation_id   text NOT NULL,
  process_run_id   uuid NOT NULL,
  component_run_id uuid,
  payload          jsonb NOT NULL,
  occurred_at      timestamptz NOT NULL
);
CREATE INDEX event_outbox_by_run ON event_outbox (process_run_id);
ALTER SEQUENCE event_outbox_seq OWNED BY event_outbox.event_seq;

CREATE TABLE dot_refusal (
  refusal_id             uuid PRIMARY KEY,
  refusal_code           text NOT NULL,
  message                text NOT NULL,
  actor                  text,
  dot_code               text,
  process_candidate_code text,
  correlation_id         text,
  posture                text NOT NULL,
  detail                 jsonb NOT NULL DEFAULT '{}',
  recorded_by            text NOT NULL DEFAULT session_user,
  refused_at             timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX dot_refusal_by_time ON dot_refusal (refused_at);
