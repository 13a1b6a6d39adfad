-- Refuses a candidate or fixture of a catalogue with unknown keys or with values that are not strings. The contract's
-- own function checks a contract's keys.
CREATE OR REPLACE FUNCTION fn_dot_check_catalogue_entry(p_kind text, p_entry jsonb) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_keys text[] := CASE p_kind WHEN 'candidate' THEN '{code,title,owner}'
    WHEN 'fixture' THEN '{fixture_ref,body,sha256}' END;
  v_flaw text;
BEGIN
  SELECT 'unknown keys: ' || left(string_agg(k, ', ' ORDER BY k), 500) INTO v_flaw
  FROM jsonb_object_keys(p_entry) k WHERE k <> ALL (v_keys);
  IF v_flaw IS NULL THEN
    SELECT format('%s is a text', e.key) INTO v_flaw FROM jsonb_each(p_entry) e
    WHERE v_keys IS NOT NULL AND jsonb_typeof(e.value) NOT IN ('string', 'null') ORDER BY e.key LIMIT 1;
  END IF;
  IF v_flaw IS NOT NULL THEN
    PERFORM fn_dot_refuse('tool_invalid', v_flaw);
  END IF;
END;
$$;
