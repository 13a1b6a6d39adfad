-- Whether other programs can parse a JSON value: at most 32 levels deep, numbers within ±1e300 and with at most 300
-- decimal places. PostgreSQL stores more, and a ledger row that a reader cannot decode stays forever. Null passes.
-- Checks the depth first, and no deeper than one level beyond the limit.
CREATE OR REPLACE FUNCTION fn_dot_json_is_bounded(p_json jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
#variable_conflict use_column
BEGIN
  IF jsonb_path_exists(p_json, '$.**{33}') THEN
    RETURN false;
  END IF;
  RETURN NOT EXISTS (
    SELECT FROM jsonb_path_query(p_json, 'strict $.** ? (@.type() == "number")') n
    WHERE abs(n.n::numeric) > 1e300 OR scale(n.n::numeric) > 300);
END;
$$;
