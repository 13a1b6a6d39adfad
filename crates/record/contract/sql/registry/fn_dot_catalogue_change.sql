-- One object of an import's plan. An entry without a name is identified by its number.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_change(
  p_kind text, p_entry bigint, p_name text, p_dot_code text, p_done jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('kind', p_kind, 'entry', p_entry, 'name', coalesce(p_name, format('entry %s', p_entry)),
    'dot_code', p_dot_code, 'action', NULL, 'detail', NULL, 'code', NULL, 'warning', NULL) || p_done;
$$;
