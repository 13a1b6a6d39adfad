-- Whether a text is a point in time that means the same in every session: ISO 8601 with date, time, and an offset or
-- Z. What PostgreSQL also reads, 'now', 'tomorrow' or '01/02/2024', depends on the moment, the time zone or the
-- DateStyle. None is fine.
CREATE OR REPLACE FUNCTION fn_dot_is_iso_time(p_text text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
#variable_conflict use_column
BEGIN
  RETURN coalesce(p_text ~ ('^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?'
    || '([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$') COLLATE "C", true);
END;
$$;
