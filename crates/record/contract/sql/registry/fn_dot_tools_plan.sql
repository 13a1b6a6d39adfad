-- Returns what an import of these entries would do to each DOT: add, change, keep, or refuse with the reason. The rules
-- of pairs are checked on the registry as it would be afterwards. A change of candidate_pair declares the producer's
-- candidate.
CREATE OR REPLACE FUNCTION fn_dot_tools_plan(p_tools jsonb)
RETURNS TABLE (dot_code text, action text, detail text, tool jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH incoming AS (
    SELECT e.ordinality, e.value AS tool, e.value ->> 'dot_code' AS dot_code, e.value ->> 'tier' AS tier,
      nullif(e.value ->> 'paired_dot', '') AS paired_dot, nullif(e.value ->> 'pair_role', '') AS pair_role,
      coalesce(nullif(e.value ->> 'lease_scope', ''), 'pair') AS lease_scope,
      coalesce(e.value ->> 'execution_engine', 'none') AS execution_engine,
      jsonb_typeof(coalesce(e.value -> 'extra_metadata', '{}')) AS metadata_type,
      count(*) OVER (PARTITION BY e.value ->> 'dot_code') AS times,
      (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(CASE jsonb_typeof(e.value)
            WHEN 'object' THEN e.value ELSE '{}' END) k
       WHERE k NOT IN ('dot_code', 'name', 'tier', 'operation', 'paired_dot', 'pair_role', 'trigger_type',
         'execution_engine',
                       'script_path', 'status', 'extra_metadata', 'lease_scope')) AS unknown_keys
    FROM jsonb_array_elements(p_tools) WITH ORDINALITY e
  ), afterwards AS (
    SELECT i.dot_code, i.paired_dot, i.pair_role FROM incoming i
    UNION ALL
    SELECT t.dot_code, t.paired_dot, t.pair_role FROM dot_tools t
      WHERE t.dot_code NOT IN (SELECT i.dot_code FROM incoming i WHERE i.dot_code IS NOT NULL)
  ), judged AS (
    SELECT i.*, CASE
      WHEN fn_dot_is_blank(i.dot_code) THEN 'dot_code is missing'
      WHEN NOT fn_dot_json_is_bounded(i.tool)
        THEN 'it is nested more than 32 levels deep, or has a number beyond ±1e300 or with more than 300 decimal places'
      WHEN i.times > 1 THEN 'the code stands here more than once'
      WHEN i.unknown_keys IS NOT NULL THEN 'unknown keys: ' || i.unknown_keys
      WHEN position(':' IN i.dot_code) > 0 THEN 'a dot_code has no colon'
      WHEN length(i.dot_code) > 200 THEN 'a dot_code has 200 characters at most'
      WHEN btrim(i.dot_code, fn_dot_whitespace()) <> i.dot_code THEN 'a dot_code has no white space around it'
      WHEN (fn_dot_text_flaw(i.dot_code, true)).flaw IS NOT NULL
        THEN format('a dot_code %s (%s)', (fn_dot_text_flaw(i.dot_code, true)).flaw,
          (fn_dot_text_flaw(i.dot_code, true)).code_point)
      WHEN fn_dot_is_blank(i.tool ->> 'name') THEN 'name is missing'
      WHEN coalesce(i.tier, '') NOT IN ('A', 'B') THEN 'tier is A (reads and checks) or B (writes)'
      WHEN i.execution_engine NOT IN ('agent_api', 'command', 'mcp', 'none')
        THEN 'execution_engine is agent_api, command, mcp or none'
      WHEN greatest(length(i.tool ->> 'name'), length(i.tool ->> 'trigger_type'), length(i.tool ->> 'status')) > 200
        THEN 'name, trigger_type and status have 200 characters at most'
      WHEN greatest(length(i.tool ->> 'operation'), length(i.tool ->> 'script_path')) > 2000
        THEN 'operation and script_path have 2000 characters at most'
      WHEN length(i.tool -> 'extra_metadata' ->> 'process_candidate_code') > 200
        THEN 'process_candidate_code has 200 characters at most'
      WHEN (fn_dot_text_flaw(fn_dot_candidate_of_tool(i.tool), true)).flaw IS NOT NULL
        THEN format('process_candidate_code %s (%s)', (fn_dot_text_flaw(fn_dot_candidate_of_tool(i.tool), true)).flaw,
          (fn_dot_text_flaw(fn_dot_candidate_of_tool(i.tool), true)).code_point)
      WHEN s.shown IS NOT NULL THEN s.shown
      -- White space around the status does not count: " retired " is retired.
      WHEN (fn_dot_text_flaw(btrim(i.tool ->> 'status'), true)).flaw IS NOT NULL
        THEN format('status %s (%s)', (fn_dot_text_flaw(btrim(i.tool ->> 'status'), true)).flaw,
          (fn_dot_text_flaw(btrim(i.tool ->> 'status'), true)).code_point)
      WHEN octet_length((i.tool -> 'extra_metadata')::text) > 65536 THEN 'extra_metadata has 64 KiB at most'
      WHEN i.metadata_type <> 'object' THEN 'extra_metadata is an object'
      WHEN i.pair_role NOT IN ('producer', 'verifier') THEN 'pair_role is producer or verifier'
      WHEN i.paired_dot IS NULL AND i.pair_role IS NOT NULL THEN 'pair_role without paired_dot'
      WHEN i.paired_dot IS NOT NULL AND i.pair_role IS NULL THEN 'paired_dot without pair_role'
      WHEN i.paired_dot = i.dot_code THEN 'a DOT is never its own pair'
      WHEN i.paired_dot IS NOT NULL AND p.dot_code IS NULL
        THEN format('its pair %s is neither here nor in the registry', i.paired_dot)
      WHEN p.paired_dot IS DISTINCT FROM i.dot_code
        AND i.paired_dot IS NOT NULL THEN format('its pair %s names %s', i.paired_dot,
        coalesce(p.paired_dot, 'no pair'))
      WHEN p.pair_role = i.pair_role THEN format('it and its pair %s are both %s', i.paired_dot, i.pair_role)
      WHEN (k.paired_dot, k.pair_role) IS DISTINCT FROM (i.paired_dot, i.pair_role) AND EXISTS (
          SELECT FROM dot_iu_runtime_lease l JOIN process_run_observation r ON r.process_run_id = l.process_run_id
          WHERE r.dot_code IN (i.dot_code, k.paired_dot))
        THEN 'a run of its pair is under way: change the pair when that run has ended'
      WHEN i.lease_scope NOT IN ('pair', 'candidate', 'input')
        AND i.lease_scope !~ '^group:[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$'
        THEN 'lease_scope is pair, candidate, input, or group: and a name of at most 100 letters, digits, _, . and -'
      WHEN i.lease_scope <> 'pair' AND i.pair_role IS DISTINCT FROM 'producer'
        THEN 'lease_scope is the producer''s'
      WHEN k.lease_scope <> i.lease_scope AND EXISTS (
          SELECT FROM dot_iu_runtime_lease l JOIN process_run_observation r ON r.process_run_id = l.process_run_id
          WHERE r.dot_code = i.dot_code)
        THEN 'a run of its pair is under way: change lease_scope when that run has ended'
      WHEN w.dot_code IS NOT NULL THEN format('%s, which is not changed here, names it as its pair', w.dot_code)
    END AS refusal
    FROM incoming i
    LEFT JOIN afterwards p ON p.dot_code = i.paired_dot
    LEFT JOIN dot_tools k ON k.dot_code = i.dot_code
    LEFT JOIN LATERAL (
      SELECT format('%s %s (%s)', k.key, f.flaw, f.code_point) AS shown
      FROM (VALUES ('name'), ('operation'), ('trigger_type'), ('script_path'), ('status')) k (key)
      CROSS JOIN LATERAL fn_dot_text_flaw(i.tool ->> k.key, false) f WHERE f.flaw IS NOT NULL LIMIT 1) s ON true
    -- A DOT whose partner would no longer name it.
    LEFT JOIN dot_tools w ON w.paired_dot = i.dot_code AND w.dot_code IS DISTINCT FROM i.paired_dot
      AND w.dot_code NOT IN (SELECT o.dot_code FROM incoming o WHERE o.dot_code IS NOT NULL)
  ), compared AS (
    -- candidate_pair is the pair that the metadata declares, where it is not declared yet.
    SELECT j.*, t.dot_code AS known, nullif(concat_ws(', ',
      (SELECT string_agg(k.key, ', ' ORDER BY k.key)
       FROM jsonb_each(fn_dot_tool_row(j.tool)) k
       WHERE k.value IS DISTINCT FROM (to_jsonb(t) -> k.key)),
      (SELECT 'candidate_pair' WHERE fn_dot_candidate_of_tool(j.tool) IS NOT NULL AND NOT EXISTS (
         SELECT FROM process_candidate_pair b WHERE b.dot_code = j.dot_code AND NOT b.is_inferred
           AND b.process_candidate_code = fn_dot_candidate_of_tool(j.tool)))), '') AS changes
    FROM judged j LEFT JOIN dot_tools t ON t.dot_code = j.dot_code
  )
  SELECT coalesce(c.dot_code, format('entry %s', c.ordinality)),
    CASE WHEN c.refusal IS NOT NULL THEN 'refuse' WHEN c.known IS NULL THEN 'add'
      WHEN c.changes IS NOT NULL THEN 'change' ELSE 'keep' END,
    CASE WHEN c.refusal IS NOT NULL THEN c.refusal WHEN c.known IS NOT NULL THEN c.changes END,
    c.tool
  FROM compared c ORDER BY c.ordinality;
END;
$$;
