-- Every entry of the registry beside what its history says that it became. What an entry leaves out the function filled
-- in; the texts of times and intervals depend on the session that wrote them.
WITH entry AS (
  SELECT 'tool' AS kind, t.dot_code AS key, to_jsonb(t) AS now FROM ledger.dot_tools t
  UNION ALL
  SELECT 'candidate', c.process_candidate_code, to_jsonb(c) FROM ledger.process_candidate c
  UNION ALL
  -- The history keeps the values of variables as digests; older releases kept them as they are.
  SELECT 'contract', c.dot_code || ' ' || c.mode,
    to_jsonb(c) || jsonb_build_object('plain_invocation', c.invocation, 'invocation',
    CASE jsonb_typeof(c.invocation -> 'variables')
      WHEN 'object' THEN jsonb_set(c.invocation, '{variables}', (
        SELECT coalesce(jsonb_object_agg(v.key, 'sha256:' || encode(sha256(convert_to(v.value, 'UTF8')), 'hex')), '{}')
        FROM jsonb_each_text(c.invocation -> 'variables') v))
      ELSE CASE WHEN c.invocation ? 'variables' THEN jsonb_set(c.invocation, '{variables}',
          to_jsonb('sha256:' || encode(sha256(convert_to((c.invocation -> 'variables')::text, 'UTF8')), 'hex')))
        ELSE c.invocation END END)
  FROM ledger.dot_agent_api_contract c
  UNION ALL
  SELECT 'fixture', f.fixture_ref, jsonb_build_object('sha256', f.sha256, 'body_sha256',
    encode(sha256(convert_to(f.body::text, 'UTF8')), 'hex'))
  FROM ledger.dot_fixture f
  UNION ALL
  SELECT 'check', c.check_name, to_jsonb(c) FROM ledger.dot_preflight_check c
), recorded AS (
  SELECT h.kind, h.key, h.changed_at, h.change_id, e.now,
    row_number() OVER (PARTITION BY h.kind, h.key ORDER BY h.changed_at DESC, h.change_id DESC) = 1 AS is_last,
    (SELECT string_agg(k.key, ', ' ORDER BY k.key) FROM jsonb_each(h.entry) k
     WHERE CASE
       -- Why an entry was retired stands in the history alone.
       WHEN k.key IN ('created_at', 'reason', 'paused_until') THEN false
       WHEN k.key = 'invocation' THEN k.value IS DISTINCT FROM e.now -> 'invocation' AND k.value IS DISTINCT
         FROM e.now -> 'plain_invocation'
       WHEN k.value = 'null' AND k.key IN ('role', 'operation', 'no_mutation_assertion') THEN false
       WHEN k.key = 'max_age' THEN (k.value #>> '{}')::interval IS DISTINCT FROM (e.now ->> 'max_age')::interval
       ELSE k.value IS DISTINCT FROM e.now -> k.key END) AS differs
  FROM ledger.dot_registry_history h JOIN entry e ON e.kind = h.kind AND e.key = h.key
)
