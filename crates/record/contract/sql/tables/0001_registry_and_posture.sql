-- Registry and posture: what may be observed, and what is allowed at this instant.
-- Written through functions only; see access.toml for who may call which.

CREATE TABLE dot_tools (
  dot_code         text PRIMARY KEY,
  name             text NOT NULL,
  tier             text NOT NULL CHECK (tier IN ('A', 'B')),
  operation        text NOT NULL DEFAULT '',
  paired_dot       text,
  pair_role        text CHECK (pair_role IN ('producer', 'verifier')),
  trigger_type     text NOT NULL DEFAULT 'manual',
  execution_engine text NOT NULL DEFAULT 'none' CHECK (execution_engine IN ('agent_api', 'command', 'mcp', 'none')),
  script_path      text,
  status           text NOT NULL DEFAULT 'active',
  extra_metadata   jsonb NOT NULL DEFAULT '{}',
  created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- What the partner's pair_role has to be; only there for the key below.
  partner_role     text GENERATED ALWAYS AS (CASE pair_role WHEN 'producer' THEN 'verifier' WHEN 'verifier' THEN 'producer' END) STORED,
  -- A colon would make '<key>:<dot_code>' ambiguous.
  CONSTRAINT dot_tools_code_without_colon CHECK (position(':' IN dot_code) = 0 AND dot_code <> ''),
  CONSTRAINT dot_tools_never_its_own_pair CHECK (paired_dot <> dot_code),
  CONSTRAINT dot_tools_paired_has_role CHECK ((paired_dot IS NULL) = (pair_role IS NULL)),
  CONSTRAINT dot_tools_pair_target UNIQUE (dot_code, paired_dot, pair_role),
  -- The pair of my pair is me, in the other role. Deferred, so that both rows can arrive in one transaction.
  CONSTRAINT dot_tools_pair_is_mutual FOREIGN KEY (paired_dot, dot_code, partner_role)
    REFERENCES dot_tools (dot_code, paired_dot, pair_role) DEFERRABLE INITIALLY DEFERRED
);

-- A tier B DOT without a tier A verifier shows here as an unpaired B, or as a verifier that is itself B: the preflight
-- check then counts a handful of index entries instead of reading the registry in every call.
CREATE INDEX dot_tools_unverified_writer ON dot_tools (dot_code)
  WHERE tier = 'B' AND (paired_dot IS NULL OR pair_role = 'verifier');

CREATE TABLE dot_config (
  key        text PRIMARY KEY,
  -- No domain on purpose: a malformed value is a closed gate, and has to be showable as one.
  value      text NOT NULL,
  expires_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_by text NOT NULL,
  reason     text NOT NULL,
  -- What the row says for the posture while it is live (v_dot_posture adds the bits up): computed when it is written, as
  -- every run reads it. A gate counts as written: 'TRUE', ' true' and '1' are not 'true'.
  posture_bit integer NOT NULL GENERATED ALWAYS AS (CASE key || '=' || value
    WHEN 'iu_core.operator_runtime_enabled=true' THEN 1
    WHEN 'process_dot_runtime.execute_enabled=true' THEN 2
    WHEN 'process_dot_runtime.real_run_enabled=true' THEN 4
    WHEN 'process_dot_runtime.dry_run_only=false' THEN 8
    ELSE 0 END) STORED
);

CREATE TABLE dot_config_history (
  change_id   uuid PRIMARY KEY,
  key         text NOT NULL,
  value       text NOT NULL,
  expires_at  timestamptz,
  actor       text NOT NULL,
  reason      text NOT NULL,
  recorded_by text NOT NULL DEFAULT session_user,
  changed_at  timestamptz NOT NULL,
  change_xid  xid8 NOT NULL,
  -- What this change could see as committed: a receipt that is not in it came too late and is void.
  snapshot    pg_snapshot NOT NULL
);
-- Whether a receipt was missed by a closing is asked of the changes since the receipt's own snapshot.
CREATE INDEX dot_config_history_by_change ON dot_config_history (change_xid);

CREATE TABLE dot_preflight_check (
  check_name  text PRIMARY KEY,
  severity    text NOT NULL DEFAULT 'high' CHECK (severity IN ('critical', 'high', 'medium', 'info')),
  on_finding  text NOT NULL DEFAULT 'BLOCK' CHECK (on_finding IN ('BLOCK', 'WARN')),
  count_query text NOT NULL,
  max_age     interval NOT NULL DEFAULT '0' CHECK (max_age BETWEEN '0' AND '366 days'),
  enabled     boolean NOT NULL DEFAULT true,
  description text NOT NULL DEFAULT '',
  -- The last answer that let a run pass: of which function, how much, when. Written by whoever asked.
  answered_query text,
  answered_cnt   bigint,
  answered_at    timestamptz NOT NULL DEFAULT '-infinity',
  -- Whether that answer is one of this function, and would still let a run pass by what the check says now.
  answer_passes  boolean GENERATED ALWAYS AS (answered_query = count_query AND (answered_cnt = 0 OR on_finding = 'WARN')) STORED
) WITH (fillfactor = 10);

CREATE TABLE process_candidate (
  process_candidate_code text PRIMARY KEY,
  title                  text NOT NULL DEFAULT '',
  owner                  text,
  created_at             timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE dot_fixture (
  fixture_ref text PRIMARY KEY,
  sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  body        jsonb NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE dot_agent_api_contract (
  dot_code               text NOT NULL REFERENCES dot_tools,
  mode                   text NOT NULL CHECK (mode IN ('PLAN_ONLY', 'VERIFY_ONLY', 'DRY_RUN', 'REAL_RUN')),
  candidate_code         text,
  operation              text NOT NULL DEFAULT '',
  role                   text NOT NULL CHECK (role IN ('producer', 'verifier')),
  fixture_ref            text REFERENCES dot_fixture,
  output_namespace       text,
  no_mutation_assertion  boolean NOT NULL DEFAULT false,
  endpoint_ref           text,
  invocation             jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(invocation) = 'object'),
  expected_output_schema jsonb,
  verifier_schema        jsonb,
  timeout_ms             integer NOT NULL DEFAULT 60000 CHECK (timeout_ms > 0),
  contract_status        text NOT NULL DEFAULT 'active' CHECK (contract_status IN ('draft', 'active', 'retired')),
  created_at             timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (dot_code, mode),
  CONSTRAINT dot_contract_below_real_run_changes_nothing
    CHECK (mode = 'REAL_RUN' OR (no_mutation_assertion AND coalesce(output_namespace, '') LIKE 'DRYRUN-NS:%')),
  CONSTRAINT dot_contract_executed_modes_have_endpoint
    CHECK (mode NOT IN ('DRY_RUN', 'REAL_RUN') OR coalesce(endpoint_ref, '') ~ '^(command:|https://|mcp:).')
);

CREATE TABLE event_type_registry (
  event_type  text PRIMARY KEY,
  stream      text NOT NULL,
  lane        text NOT NULL CHECK (lane IN ('immediate', 'delayed')),
  severity    text NOT NULL,
  active      boolean NOT NULL DEFAULT false,
  description text NOT NULL DEFAULT ''
);

-- Every change of the registry: what the entry became, who did it.
CREATE TABLE dot_registry_history (
  change_id   uuid PRIMARY KEY,
  kind        text NOT NULL CHECK (kind IN ('tool', 'candidate', 'contract', 'fixture', 'check')),
  key         text NOT NULL,
  entry       jsonb NOT NULL,
  actor       text NOT NULL,
  recorded_by text NOT NULL DEFAULT session_user,
  changed_at  timestamptz NOT NULL
);

-- When which type was active, so that a reader can judge whether an outbox row had a right to be written.
CREATE TABLE event_type_history (
  change_id   uuid PRIMARY KEY,
  event_type  text NOT NULL,
  active      boolean NOT NULL,
  actor       text NOT NULL,
  reason      text NOT NULL,
  recorded_by text NOT NULL DEFAULT session_user,
  changed_at  timestamptz NOT NULL
);

CREATE TABLE dot_iu_runtime_lease (
  lease_name   text PRIMARY KEY,
  lease_holder text NOT NULL,
  lease_token  uuid NOT NULL,
  acquired_at  timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  released_at  timestamptz,
  acquisitions bigint NOT NULL DEFAULT 1,
  -- The executed run that was begun under it and is not concluded. Whoever takes the lease next concludes that run first.
  process_run_id uuid,
  -- Whole pairs that were recorded under this lease for one candidate and one verifier, and the last of them: counted here
  -- because a pair's call writes this row anyway. A call for another moves them to process_observation_rollup.
  observed_candidate text,
  observed_verifier  text,
  observed_runs      bigint NOT NULL DEFAULT 0,
  observed_at        timestamptz,
  observed_run_id    uuid
-- Nearly empty pages: a row that every run of its pair updates stays on its page, without a new index entry, and rows of
-- other pairs do not share it.
) WITH (fillfactor = 10);

-- Leases that an operator took away from their holder: who, why, from whom.
CREATE TABLE dot_lease_force_release (
  release_id   uuid PRIMARY KEY,
  lease_name   text NOT NULL,
  lease_holder text NOT NULL,
  lease_token  uuid NOT NULL,
  expires_at   timestamptz NOT NULL,
  actor        text NOT NULL,
  reason       text NOT NULL,
  recorded_by  text NOT NULL DEFAULT session_user,
  released_at  timestamptz NOT NULL
);
