-- Whether a time is in the range of other languages. Null passes.
CREATE OR REPLACE FUNCTION fn_dot_is_representable_time(p_time timestamptz) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
#variable_conflict use_column
BEGIN
  -- One day inside the range, so that it holds in every time zone.
  RETURN coalesce(p_time BETWEEN '0001-01-02 00:00:00+00'::timestamptz AND '9999-12-30 00:00:00+00'::timestamptz, true);
END;
$$;
