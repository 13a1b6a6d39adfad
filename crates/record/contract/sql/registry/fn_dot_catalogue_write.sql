-- Writes the entries of a catalogue that are not refused, and returns the plan: one object per entry, tools first. The
-- caller holds the registry's lock, and rolls everything back where an entry is refused.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_write(p_catalogue jsonb, p_actor text, p_reason text) RETURNS jsonb
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_tools   jsonb := coalesce(p_catalogue -> 'tool', '[]');
  v_plan    jsonb[];
  v_dots    text[] := '{}';
  v_fixture text[] := '{}';
  v_entry   record;
  v_done    jsonb;
BEGIN
  v_plan := fn_dot_catalogue_write_tools(v_tools, p_actor);
  IF EXISTS (SELECT FROM unnest(v_plan) e WHERE e ->> 'action' = 'refuse') THEN
    -- None is written then: the entries that depend on the tools cannot be checked.
    v_dots := ARRAY(SELECT t ->> 'dot_code' FROM jsonb_array_elements(v_tools) t);
  END IF;
  FOR v_entry IN
    SELECT n.*, count(*) OVER (PARTITION BY n.kind, n.name) > 1 AS is_repeated
    FROM (
      SELECT k.rank, k.kind, e.value AS entry, e.ordinality, CASE k.kind
          WHEN 'candidate' THEN e.value ->> 'code'
          WHEN 'fixture' THEN e.value ->> 'fixture_ref'
          ELSE (e.value ->> 'dot_code') || ' ' || (e.value ->> 'mode') END AS name
      FROM (VALUES (1, 'candidate'), (2, 'fixture'), (3, 'contract')) k (rank, kind)
      CROSS JOIN LATERAL jsonb_array_elements(coalesce(p_catalogue -> k.kind, '[]')) WITH ORDINALITY e
    ) n ORDER BY n.rank, n.ordinality
  LOOP
    IF v_entry.kind = 'contract' AND v_entry.entry ->> 'dot_code' = ANY (v_dots) THEN
      v_done := jsonb_build_object('action', 'skip', 'detail', 'not judged: the tools of the catalogue are refused');
    ELSIF v_entry.kind = 'contract' AND v_entry.entry ->> 'fixture_ref' = ANY (v_fixture) THEN
      v_done := jsonb_build_object('action', 'skip', 'detail', 'not judged: its fixture is refused');
    ELSIF v_entry.is_repeated AND v_entry.name IS NOT NULL THEN
      v_done := jsonb_build_object('action', 'refuse', 'code', 'tool_invalid',
        'detail', 'it stands here more than once');
    ELSE
      v_done := fn_dot_catalogue_write_entry(v_entry.kind, v_entry.entry, p_actor, p_reason);
    END IF;
    IF v_entry.kind = 'fixture' AND v_done ->> 'action' = 'refuse' AND v_entry.name IS NOT NULL THEN
      v_fixture := v_fixture || v_entry.name;
    END IF;
    v_plan := v_plan || fn_dot_catalogue_change(v_entry.kind, v_entry.ordinality, v_entry.name,
      v_entry.entry ->> 'dot_code', v_done);
  END LOOP;
  -- The catalogue's own candidates are registered by now.
  RETURN coalesce((
    SELECT jsonb_agg(p.value || CASE WHEN c.code IS NULL OR p.value ->> 'action' = 'refuse' THEN '{}'
        ELSE jsonb_build_object('warning', format('its candidate %s is not registered: real runs for it are refused',
            c.code)) END
      ORDER BY p.ordinality)
    FROM unnest(v_plan) WITH ORDINALITY p (value, ordinality)
    LEFT JOIN LATERAL (
      SELECT t.code FROM (SELECT fn_dot_candidate_of_tool(v_tools -> (p.value ->> 'entry')::integer - 1) AS code) t
      WHERE p.value ->> 'kind' = 'tool' AND t.code IS NOT NULL
        AND NOT EXISTS (SELECT FROM process_candidate k WHERE k.process_candidate_code = t.code)) c ON true), '[]');
END;
$$;
