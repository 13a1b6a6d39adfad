-- Which producers count for which candidate. A real run needs the candidate registered and the pair declared. The
-- ladder counts real proofs of declared pairs alone. docs/decisions/0026 says why.
--
-- No foreign key: an import may declare a pair before the candidate is registered, and history outlives both.
CREATE TABLE process_candidate_pair (
  process_candidate_code text NOT NULL,
  dot_code               text NOT NULL,   -- the producer's
  -- Taken from the registry and the ledger by an upgrade, and not yet confirmed by an operator. It counts.
  is_inferred            boolean NOT NULL DEFAULT false,
  declared_by            text NOT NULL,
  recorded_by            text NOT NULL DEFAULT session_user,
  declared_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (process_candidate_code, dot_code)
);

ALTER TABLE dot_registry_history DROP CONSTRAINT dot_registry_history_kind_check;
ALTER TABLE dot_registry_history ADD CONSTRAINT dot_registry_history_kind_check
  CHECK (kind IN ('tool', 'candidate', 'contract', 'fixture', 'check', 'candidate_pair'));

-- Retired however it is spelled: a tool that somebody meant to retire is not run.
ALTER TABLE dot_tools ADD COLUMN is_retired boolean NOT NULL
  GENERATED ALWAYS AS (lower(btrim(status)) = 'retired') STORED;

-- The ladder asks for real runs of a candidate's declared producers. Without the producer in the index it would read
-- all real runs of an undeclared one.
DROP INDEX process_component_real_producer;
CREATE INDEX process_component_real_producer ON process_component_observation (process_candidate_code, dot_code)
  WHERE evidence_type = 'REAL_RUN' AND component_role = 'producer' AND status = 'step_completed'
    AND invocation_id IS NOT NULL;

-- What an existing ledger shows: the producers that were executed for a candidate, and the candidate that a producer's
-- metadata names. Simulated and backfilled rows show nothing.
INSERT INTO process_candidate_pair (process_candidate_code, dot_code, is_inferred, declared_by)
SELECT c.process_candidate_code, c.dot_code, true, 'dotwrap'
FROM process_component_observation c
WHERE c.component_role = 'producer' AND c.evidence_type IN ('REAL_RUN', 'DRY_RUN') AND c.invocation_id IS NOT NULL
UNION
SELECT t.extra_metadata ->> 'process_candidate_code', t.dot_code, true, 'dotwrap'
FROM dot_tools t
WHERE t.pair_role = 'producer' AND jsonb_typeof(t.extra_metadata -> 'process_candidate_code') = 'string'
  AND length(t.extra_metadata ->> 'process_candidate_code') BETWEEN 1 AND 200;

INSERT INTO dot_registry_history (change_id, kind, key, entry, actor, changed_at)
SELECT (lpad(to_hex((extract(epoch FROM p.declared_at) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16))::uuid,
  'candidate_pair', p.process_candidate_code || ' ' || p.dot_code,
  jsonb_build_object('process_candidate_code', p.process_candidate_code, 'dot_code', p.dot_code, 'is_declared', true,
    'is_inferred', true, 'reason', 'inferred by an upgrade'),
  'dotwrap', p.declared_at
FROM process_candidate_pair p;
