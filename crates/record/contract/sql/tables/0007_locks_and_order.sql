-- Locks that only the owner's functions can take, the order of gate changes, and tokens that no reader can use.
-- docs/decisions/0032-locks-of-our-own.md and 0033-the-order-of-gates-and-receipts.md say why.

-- One row, changed by every change of a gate, in the order of their commits. Receipts lock the table ROW SHARE until their
-- transaction ends. A gate change locks it EXCLUSIVE when it commits. No other role may take either lock.
CREATE TABLE dot_gate_state (
  singleton     boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  change_number bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO dot_gate_state DEFAULT VALUES;

-- One row, changed by every change of the registry. It serialises these changes, and tells a caller in REPEATABLE READ that
-- its snapshot is too old to decide.
CREATE TABLE dot_registry_state (
  singleton     boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  change_number bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO dot_registry_state DEFAULT VALUES;

-- change_number: the place of this change among all changes of gates; without a gap. Null in rows from before this migration.
-- saw_every_receipt: whether the change held the EXCLUSIVE lock when it committed. If not, its snapshot tells what it saw.
-- effective_at: when the change committed; changed_at is when it was asked for.
-- cluster_id: the cluster whose transaction ids the snapshot holds; a restored ledger has rows of another one.
ALTER TABLE dot_config_history
  ADD COLUMN change_number bigint,
  ADD COLUMN saw_every_receipt boolean,
  ADD COLUMN cluster_id bigint,
  ADD COLUMN effective_at timestamptz;
CREATE UNIQUE INDEX dot_config_history_by_number ON dot_config_history (change_number);
-- The changes that a receipt can have missed: only those that gave up waiting for one.
CREATE INDEX dot_config_history_unseen ON dot_config_history (change_number) WHERE NOT saw_every_receipt;

-- begun_change_number: the last gate change that the receipt's look at the posture saw.
ALTER TABLE dot_invocation
  ADD COLUMN begun_change_number bigint,
  ADD COLUMN cluster_id bigint;

-- The last answer of each preflight check that let a run pass, apart from the check itself: a run that has just written an
-- answer and is not committed keeps no operator from changing the check.
CREATE TABLE dot_preflight_answer (
  check_name     text PRIMARY KEY,
  -- The check's revision that answered. An answer of another revision does not count.
  check_revision bigint NOT NULL,
  count_query    text,
  cnt            bigint,
  answered_at    timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 10);
ALTER TABLE dot_preflight_check ADD COLUMN revision bigint NOT NULL DEFAULT 1;
INSERT INTO dot_preflight_answer (check_name, check_revision) SELECT c.check_name, 0 FROM dot_preflight_check c;
-- Views and functions that a release replaces anyway, and that hold on to what goes here.
DROP VIEW IF EXISTS v_dot_preflight_memory;
DROP FUNCTION IF EXISTS fn_dot_preflight_answer(dot_preflight_check);
DROP FUNCTION IF EXISTS fn_dot_preflight_assert(dot_preflight_check[]);
DROP FUNCTION IF EXISTS fn_dot_receipt_is_void(dot_invocation);
DROP FUNCTION IF EXISTS fn_dot_gate_lock_key();
DROP FUNCTION IF EXISTS fn_dot_event_lock_key();
DROP FUNCTION IF EXISTS fn_dot_lease_lock_key(text);
DROP FUNCTION IF EXISTS fn_dot_gates_are_seen();
DROP FUNCTION IF EXISTS fn_dot_lease_is_held(text);
ALTER TABLE dot_preflight_check DROP COLUMN answer_passes;
ALTER TABLE dot_preflight_check DROP COLUMN answered_query, DROP COLUMN answered_cnt, DROP COLUMN answered_at;

-- The login that holds a lease, or that claimed a request: another login can not act with its token.
ALTER TABLE dot_iu_runtime_lease ADD COLUMN holder_login text NOT NULL DEFAULT session_user;
ALTER TABLE dot_iu_runtime_lease ALTER COLUMN acquisitions SET DEFAULT 0;
ALTER TABLE dot_lease_force_release ADD COLUMN holder_login text;
CREATE INDEX dot_lease_force_release_by_name ON dot_lease_force_release (lease_name, expires_at);
ALTER TABLE dot_run_request ADD COLUMN claimed_login text;

-- Tokens are kept as digests from here on (fn_dot_token_digest): who may read the tables can not act with what stands there.
-- Only runs that are open need theirs; the ledger's guard is there already where an older release was installed.
DO $$
DECLARE
  v_is_guarded boolean := EXISTS (SELECT FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid = 'process_run_observation'::regclass AND t.tgname = 'ledger_append_only');
BEGIN
  IF v_is_guarded THEN
    ALTER TABLE process_run_observation DISABLE TRIGGER ledger_append_only;
  END IF;
  UPDATE process_run_observation r
  SET lease_token = encode(substring(sha256(uuid_send(r.lease_token)) FROM 1 FOR 16), 'hex')::uuid
  FROM dot_iu_runtime_lease l WHERE l.process_run_id = r.process_run_id;
  IF v_is_guarded THEN
    ALTER TABLE process_run_observation ENABLE ALWAYS TRIGGER ledger_append_only;
  END IF;
  UPDATE dot_iu_runtime_lease l
  SET lease_token = encode(substring(sha256(uuid_send(l.lease_token)) FROM 1 FOR 16), 'hex')::uuid,
      holder_login = coalesce((SELECT r.recorded_by FROM process_run_observation r WHERE r.process_run_id = l.process_run_id), l.holder_login);
  UPDATE dot_run_request q
  SET claim_token = encode(substring(sha256(uuid_send(q.claim_token)) FROM 1 FOR 16), 'hex')::uuid
  WHERE q.claim_token IS NOT NULL;
END;
$$;
