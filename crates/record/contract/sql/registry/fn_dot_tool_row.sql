-- An import entry with defaults for all omitted members, as the registry's row will be.
CREATE OR REPLACE FUNCTION fn_dot_tool_row(p_tool jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object(
    'dot_code', p_tool ->> 'dot_code', 'name', p_tool ->> 'name', 'tier', p_tool ->> 'tier', 'operation',
    coalesce(p_tool ->> 'operation', ''), 'paired_dot', nullif(p_tool ->> 'paired_dot', ''), 'pair_role',
    nullif(p_tool ->> 'pair_role', ''), 'trigger_type', coalesce(p_tool ->> 'trigger_type', 'manual'),
    'execution_engine', coalesce(p_tool ->> 'execution_engine', 'none'), 'script_path',
    nullif(p_tool ->> 'script_path', ''), 'status', coalesce(p_tool ->> 'status', 'active'), 'extra_metadata',
    coalesce(p_tool -> 'extra_metadata', '{}'), 'lease_scope', coalesce(nullif(p_tool ->> 'lease_scope', ''), 'pair'));
$$;
