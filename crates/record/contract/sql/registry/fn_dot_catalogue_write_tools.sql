-- Writes the tools of a catalogue, all or none, and returns their results in the same order. Where a tool is refused,
-- none is written.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_write_tools(p_tools jsonb, p_actor text) RETURNS jsonb[]
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_is_refused boolean := EXISTS (SELECT FROM fn_dot_tools_plan(p_tools) p WHERE p.action = 'refuse');
BEGIN
  RETURN ARRAY(
    SELECT fn_dot_catalogue_change('tool', i.ordinality, i.dot_code, i.dot_code, jsonb_build_object('action', i.action,
        'detail', i.detail, 'code', CASE WHEN i.action = 'refuse' THEN 'tool_invalid' END))
    FROM fn_dot_tools_import(p_tools, p_actor, p_dry_run => v_is_refused) WITH ORDINALITY i ORDER BY i.ordinality);
END;
$$;
