-- What excludes what, attempts, and which contract was called. docs/decisions/0066 to 0069 say why.

-- lease_scope: what excludes two runs of a producer (fn_dot_lease_name). paused_until: no run begins and no request is
-- claimed before that time; infinity until an operator resumes the tool.
ALTER TABLE dot_tools
  ADD COLUMN lease_scope text NOT NULL DEFAULT 'pair' CONSTRAINT dot_tools_lease_scope_is_known
    CHECK (lease_scope IN ('pair', 'candidate', 'input') OR lease_scope ~ '^group:[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$'),
  ADD COLUMN paused_until timestamptz,
  ADD COLUMN paused_by text,
  ADD COLUMN pause_reason text,
  ADD CONSTRAINT dot_tools_pause_says_why
    CHECK ((paused_until IS NULL) = (paused_by IS NULL) AND (paused_until IS NULL) = (pause_reason IS NULL));

-- holder_process: the holder's process, so that a program on the same machine can tell that it ended.
ALTER TABLE dot_iu_runtime_lease ADD COLUMN holder_process text;

-- may_repeat: another call is harmless although nobody knows how the last one ended. max_attempts: attempts under one
-- key. requires: labels that a worker needs. contract_sha256: the digest of fn_dot_contract_entry.
ALTER TABLE dot_agent_api_contract
  ADD COLUMN may_repeat boolean NOT NULL DEFAULT false,
  ADD COLUMN max_attempts integer NOT NULL DEFAULT 10 CHECK (max_attempts BETWEEN 1 AND 1000),
  ADD COLUMN requires text[] NOT NULL DEFAULT '{}',
  ADD COLUMN contract_sha256 text CHECK (contract_sha256 ~ '^[0-9a-f]{64}$');
-- As fn_dot_contract_entry and fn_dot_contract_sha256, which are not there yet. The new columns have their defaults,
-- and an entry omits those. The history gets an entry where it has none of that digest: earlier releases stored some
-- members as they were passed and not as the row has them.
WITH row AS (
  SELECT c.dot_code, c.mode, c.invocation,
    to_jsonb(c) - '{created_at,contract_sha256,may_repeat,max_attempts,requires}'::text[] AS entry
  FROM dot_agent_api_contract c
), canonical AS (
  SELECT r.dot_code, r.mode, CASE jsonb_typeof(r.invocation -> 'variables')
    WHEN 'object' THEN jsonb_set(r.entry, '{invocation,variables}', (
      SELECT coalesce(jsonb_object_agg(v.key, 'sha256:' || encode(sha256(convert_to(v.value, 'UTF8')), 'hex')), '{}')
      FROM jsonb_each_text(r.invocation -> 'variables') v))
    ELSE CASE WHEN r.invocation ? 'variables' THEN jsonb_set(r.entry, '{invocation,variables}',
        to_jsonb('sha256:' || encode(sha256(convert_to((r.invocation -> 'variables')::text, 'UTF8')), 'hex')))
      ELSE r.entry END END AS entry
  FROM row r
), digested AS (
  UPDATE dot_agent_api_contract c SET contract_sha256 = encode(sha256(convert_to(n.entry::text, 'UTF8')), 'hex')
  FROM canonical n WHERE n.dot_code = c.dot_code AND n.mode = c.mode
  RETURNING c.dot_code, c.mode, c.contract_sha256, n.entry
)
INSERT INTO dot_registry_history (change_id, kind, key, entry, actor, changed_at)
SELECT (lpad(to_hex((extract(epoch FROM t.now) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text,
  16))::uuid,
  'contract', d.dot_code || ' ' || d.mode, d.entry || '{"reason": "recorded by an upgrade"}', 'dotwrap', t.now
FROM digested d CROSS JOIN (SELECT clock_timestamp() AS now) t
WHERE NOT EXISTS (SELECT FROM dot_registry_history h WHERE h.kind = 'contract' AND h.key = d.dot_code || ' ' || d.mode
  AND encode(sha256(convert_to((h.entry - 'reason')::text, 'UTF8')), 'hex') = d.contract_sha256);
ALTER TABLE dot_agent_api_contract ALTER COLUMN contract_sha256 SET NOT NULL;

-- attempt_of: the run of the first attempt. All attempts have one idempotency key.
ALTER TABLE process_run_observation
  ADD COLUMN attempt integer NOT NULL DEFAULT 1,
  ADD COLUMN attempt_of uuid,
  ADD CONSTRAINT process_run_attempt_names_the_first CHECK (attempt >= 1 AND (attempt = 1) = (attempt_of IS NULL));
DROP INDEX process_run_idempotency;
CREATE UNIQUE INDEX process_run_idempotency ON process_run_observation (idempotency_key, attempt)
  WHERE idempotency_key IS NOT NULL;

-- contract_sha256: the contract under which the call was begun. The producer's receipt also has the verifier's contract
-- of the same instant: a run calls what it prepared, also where a contract changes meanwhile.
ALTER TABLE dot_invocation
  ADD COLUMN contract_sha256 text,
  ADD COLUMN verifier_contract_sha256 text,
  ADD COLUMN verifier_endpoint_ref text;

-- What somebody found out about a run whose effect the record does not show. It allows or forbids another attempt, and
-- is never evidence.
CREATE TABLE dot_run_resolution (
  resolution_id  uuid PRIMARY KEY,
  process_run_id uuid NOT NULL,
  happened       text NOT NULL CHECK (happened IN ('yes', 'no', 'partly')),
  actor          text NOT NULL,
  reason         text NOT NULL,
  recorded_by    text NOT NULL DEFAULT session_user,
  resolved_at    timestamptz NOT NULL
);
CREATE INDEX dot_run_resolution_by_run ON dot_run_resolution (process_run_id, resolved_at);

-- lease_name: the lease that the run will need, so that a worker claims no request that has to wait for another.
-- attempt: attempts begun. stops: attempts that a worker stopped when it ended; they do not count against max_attempts.
-- last_run_id: the last attempt's run, while the request waits for the next one.
ALTER TABLE dot_run_request
  ADD COLUMN lease_name text,
  ADD COLUMN priority smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 9),
  ADD COLUMN max_attempts integer NOT NULL DEFAULT 1 CHECK (max_attempts BETWEEN 1 AND 100),
  ADD COLUMN backoff interval NOT NULL DEFAULT '10 minutes' CHECK (backoff BETWEEN '1 second' AND '1 day'),
  ADD COLUMN attempt integer NOT NULL DEFAULT 0,
  ADD COLUMN stops integer NOT NULL DEFAULT 0,
  ADD COLUMN last_run_id uuid;
UPDATE dot_run_request SET lease_name = 'dot_exec:' || dot_code,
  attempt = CASE WHEN process_run_id IS NULL THEN 0 ELSE 1 END;
ALTER TABLE dot_run_request ALTER COLUMN lease_name SET NOT NULL;
DROP INDEX dot_run_request_waiting;
CREATE INDEX dot_run_request_waiting ON dot_run_request (dot_code, mode, priority, not_before) WHERE state = 'waiting';
DROP INDEX dot_run_request_claimed;
CREATE INDEX dot_run_request_claimed ON dot_run_request (lease_name) WHERE state = 'claimed';

-- Functions whose arguments or results change: `CREATE OR REPLACE` would leave the old ones beside the new.
DROP FUNCTION IF EXISTS fn_process_run_begin(text, text, text, text, text, text, text, uuid, uuid, text, text, jsonb,
  integer);
DROP FUNCTION IF EXISTS fn_dot_run_request(text, text, text, text, text, text, text, text, timestamptz, uuid);
DROP FUNCTION IF EXISTS fn_dot_run_request_claim(text, integer, text[]);
DROP FUNCTION IF EXISTS fn_dot_request_due_pairs();
DROP FUNCTION IF EXISTS fn_dot_receipt_write(uuid, text, text, text, text, bigint, text, text, text);
DROP FUNCTION IF EXISTS fn_dot_contract_set(jsonb, text);
DROP FUNCTION IF EXISTS fn_dot_catalogue_import(jsonb, text, boolean);
DROP FUNCTION IF EXISTS fn_dot_catalogue_write(jsonb, text);
DROP FUNCTION IF EXISTS fn_dot_catalogue_write_entry(text, jsonb, text);
DROP FUNCTION IF EXISTS fn_process_pair_observe(text, text, text, text, text, text, boolean, text, uuid, uuid, text,
  text,
  text, jsonb, integer);

-- The newest verified run of a candidate is found without reading the older ones.
DROP INDEX process_component_real_pass;
CREATE INDEX process_component_real_pass ON process_component_observation (process_candidate_code, created_at)
  WHERE evidence_type = 'REAL_RUN' AND component_role = 'verifier' AND verdict = 'pass' AND invocation_id IS NOT NULL;
