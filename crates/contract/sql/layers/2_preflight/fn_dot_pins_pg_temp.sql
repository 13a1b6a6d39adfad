-- Whether a function, by its settings, looks for temporary objects last or pins no path at all. PostgreSQL looks there first where a
-- path does not name pg_temp.
CREATE OR REPLACE FUNCTION fn_dot_pins_pg_temp(p_settings text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  RETURN NOT EXISTS (SELECT FROM unnest(p_settings) AS s (setting)
                     WHERE s.setting LIKE 'search\_path=%' AND s.setting !~ '[=,] *"?pg_temp"? *$');
END;
$$;
