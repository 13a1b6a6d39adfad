-- Refuses a catalogue that is not an object with arrays of objects: tool, candidate, fixture and contract.
CREATE OR REPLACE FUNCTION fn_dot_check_catalogue(p_catalogue jsonb) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_flaw text;
BEGIN
  IF p_catalogue IS NULL OR jsonb_typeof(p_catalogue) <> 'object' THEN
    PERFORM fn_dot_refuse('tool_invalid', 'a catalogue is a JSON object');
  END IF;
  SELECT format('a catalogue has no %s', left(string_agg(k, ', ' ORDER BY k), 500)) INTO v_flaw
  FROM jsonb_object_keys(p_catalogue) k WHERE k NOT IN ('tool', 'candidate', 'fixture', 'contract') HAVING count(*) > 0;
  IF v_flaw IS NULL THEN
    SELECT format('%s is an array of objects', a.key) INTO v_flaw FROM jsonb_each(p_catalogue) a
    WHERE jsonb_typeof(a.value) <> 'array' ORDER BY a.key LIMIT 1;
  END IF;
  IF v_flaw IS NULL THEN
    SELECT format('%s %s is no object', a.key, e.ordinality) INTO v_flaw
    FROM jsonb_each(p_catalogue) a CROSS JOIN LATERAL jsonb_array_elements(a.value) WITH ORDINALITY e
    WHERE jsonb_typeof(e.value) <> 'object' ORDER BY a.key, e.ordinality LIMIT 1;
  END IF;
  IF v_flaw IS NOT NULL THEN
    PERFORM fn_dot_refuse('tool_invalid', v_flaw);
  END IF;
END;
$$;
