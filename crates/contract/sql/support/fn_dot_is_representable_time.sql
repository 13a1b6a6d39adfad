-- Whether a time lies in the years that other languages know; so does none at all.
CREATE OR REPLACE FUNCTION fn_dot_is_representable_time(p_time timestamptz) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  -- A day inside, so that it is so in every time zone.
  RETURN coalesce(p_time BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz, true);
END;
$$;
