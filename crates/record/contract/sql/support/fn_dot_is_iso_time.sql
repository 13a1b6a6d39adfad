-- Whether a text is a timestamp with the same meaning in every session: ISO 8601 with date, time, and an offset or Z.
-- PostgreSQL also accepts 'now', 'tomorrow' or '01/02/2024', which depend on the current time, the time zone or
-- DateStyle. Null passes.
CREATE OR REPLACE FUNCTION fn_dot_is_iso_time(p_text text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
#variable_conflict use_column
BEGIN
  RETURN coalesce(p_text ~ ('^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?'
    || '([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$') COLLATE "C", true);
END;
$$;
