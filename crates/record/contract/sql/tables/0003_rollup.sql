-- Counts for status pages, kept by the recording functions, so that no page reads the ledger to draw itself.
--
-- A row is one slot of one (candidate, producer) pair. A writer takes any slot that nobody holds at the moment
-- (SKIP LOCKED) and opens a new one where all are held: writers of one candidate never wait for each other, and the
-- number of slots stays at the highest number of writers that there ever were at once. Whole pairs are counted in their
-- lease's row, which they write anyway; the slot 'pair' takes those counts when the lease turns to another candidate.
-- Readers add everything up: v_process_observation_rollup.
-- Nothing proves anything from here: has_real_runtime and its kin are asked of the ledger's partial indexes.
CREATE TABLE process_observation_rollup (
  process_candidate_code text NOT NULL,
  dot_code               text NOT NULL,   -- the producer's; '' for a header that names none
  slot                   text NOT NULL,
  run_count              bigint NOT NULL DEFAULT 0,
  real_run_count         bigint NOT NULL DEFAULT 0,
  dry_run_count          bigint NOT NULL DEFAULT 0,
  simulated_count        bigint NOT NULL DEFAULT 0,
  backfilled_count       bigint NOT NULL DEFAULT 0,
  component_count        bigint NOT NULL DEFAULT 0,
  last_observed_at       timestamptz NOT NULL,
  producer_observed_at   timestamptz,
  producer_evidence_type text,
  producer_run_id        uuid,
  -- The best evidence there ever was of each side: 0 backfilled, 1 simulated, 2 dry run, 3 real run.
  producer_best          smallint,
  -- Whose observation the verifier's is: pairs may change, and what was observed stays that DOT's.
  verifier_dot_code      text,
  verifier_observed_at   timestamptz,
  verifier_evidence_type text,
  verifier_run_id        uuid,
  verifier_best          smallint,
  PRIMARY KEY (process_candidate_code, dot_code, slot)
) WITH (fillfactor = 10);
