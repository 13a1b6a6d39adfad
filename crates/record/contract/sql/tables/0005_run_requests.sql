-- Requests for executed runs: somebody asks for one, a worker claims it and runs it. No ledger: a request's state changes,
-- through functions alone, and it proves nothing; what was run is in the ledger, under the key 'request:<request_id>'.
CREATE TABLE dot_run_request (
  request_id             uuid PRIMARY KEY,
  dot_code               text NOT NULL,   -- the producer's
  process_candidate_code text NOT NULL,
  mode                   text NOT NULL CHECK (mode IN ('DRY_RUN', 'REAL_RUN')),
  correlation_id         text NOT NULL,
  input_ref              text,
  input_digest           text,
  idempotency_key        text,
  -- Who asked.
  actor                  text NOT NULL,
  recorded_by            text NOT NULL DEFAULT session_user,
  requested_at           timestamptz NOT NULL,
  -- From when on it may be claimed; what is due first is claimed first.
  not_before             timestamptz NOT NULL,
  state                  text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'finished', 'cancelled')),
  -- The last claim: whose it is, what proves it, until when it counts.
  claimed_by             text,
  claim_token            uuid,
  claimed_until          timestamptz,
  claims                 integer NOT NULL DEFAULT 0,
  claims_lost            integer NOT NULL DEFAULT 0,   -- that ran out before a run was begun
  -- Written by fn_process_run_begin, in the transaction that begins the run.
  process_run_id         uuid,
  outcome                text CHECK (outcome IN ('concluded', 'refused', 'gave_up')),
  refusal_code           text,   -- why it was refused; while it waits, why the last try was
  cancelled_by           text,
  cancelled_recorded_by  text,
  cancel_reason          text,
  finished_at            timestamptz,
  CONSTRAINT dot_run_request_claim_is_whole CHECK (state <> 'claimed' OR (claimed_by IS NOT NULL AND claimed_until IS NOT NULL)),
  CONSTRAINT dot_run_request_finished_has_outcome CHECK ((state = 'finished') = (outcome IS NOT NULL)),
  CONSTRAINT dot_run_request_ended_has_time CHECK ((state IN ('finished', 'cancelled')) = (finished_at IS NOT NULL)),
  CONSTRAINT dot_run_request_outcome_fits_run CHECK (CASE WHEN outcome = 'concluded' THEN process_run_id IS NOT NULL
    WHEN state IN ('waiting', 'finished', 'cancelled') THEN process_run_id IS NULL ELSE true END),
  CONSTRAINT dot_run_request_refused_says_why CHECK (outcome IS DISTINCT FROM 'refused' OR refusal_code IS NOT NULL),
  CONSTRAINT dot_run_request_cancelled_says_why
    CHECK ((state = 'cancelled') = (cancelled_by IS NOT NULL AND cancelled_recorded_by IS NOT NULL AND cancel_reason IS NOT NULL))
);
CREATE UNIQUE INDEX dot_run_request_idempotency ON dot_run_request (idempotency_key) WHERE idempotency_key IS NOT NULL;
-- What a worker looks at: what waits, a pair and mode at a time, and what is claimed. Neither holds a request that has ended.
CREATE INDEX dot_run_request_waiting ON dot_run_request (dot_code, mode, not_before) WHERE state = 'waiting';
CREATE INDEX dot_run_request_claimed ON dot_run_request (dot_code) WHERE state = 'claimed';
-- What people look at: the newest.
CREATE INDEX dot_run_request_by_time ON dot_run_request (requested_at);
