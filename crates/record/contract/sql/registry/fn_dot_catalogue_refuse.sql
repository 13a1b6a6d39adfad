-- Refuses an import with the code of the first refused entry, because later refusals may follow from it. The message
-- and the detail name the first twenty.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_refuse(p_plan jsonb) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_first   jsonb;
  v_refused bigint;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('kind', r.value ->> 'kind', 'entry', r.value -> 'entry',
      'name', left(r.value ->> 'name', 400), 'code', r.value ->> 'code', 'reason', left(r.value ->> 'detail', 500))
        ORDER BY r.number) FILTER (WHERE r.number <= 20), count(*)
  INTO v_first, v_refused
  FROM (
    SELECT e.value, row_number() OVER (ORDER BY e.ordinality) AS number
    FROM jsonb_array_elements(p_plan) WITH ORDINALITY e WHERE e.value ->> 'action' = 'refuse') r;
  PERFORM fn_dot_refuse(v_first -> 0 ->> 'code', left('the catalogue is refused: ' || (
      SELECT string_agg(format('%s %s: %s', r ->> 'kind', r ->> 'name', r ->> 'reason'), '; ')
        FROM jsonb_array_elements(v_first) r),
      2000), jsonb_build_object('refused', v_first, 'refused_count', v_refused));
END;
$$;
