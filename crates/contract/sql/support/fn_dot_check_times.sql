-- Times that every reader can read: PostgreSQL also stores infinity and the year 200000, and a ledger row can not be mended
-- afterwards. Null is no time at all.
CREATE OR REPLACE FUNCTION fn_dot_check_times(p_started_at timestamptz, p_ended_at timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  IF NOT (fn_dot_is_readable_time(p_started_at) AND fn_dot_is_readable_time(p_ended_at)) THEN
    PERFORM fn_dot_refuse('time_invalid', 'started_at and ended_at are times between the years 1 and 9999',
      jsonb_build_object('started_at', p_started_at::text, 'ended_at', p_ended_at::text));
  END IF;
END;
$$;
