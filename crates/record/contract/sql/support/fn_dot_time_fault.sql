-- Returns the defect of a run's or component's times as a text for people, or null. Tolerates one day, because these
-- times are from the caller's clock and created_at from the database's.
CREATE OR REPLACE FUNCTION fn_dot_time_fault(p_started_at timestamptz, p_ended_at timestamptz) RETURNS text
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  RETURN CASE
    WHEN NOT (fn_dot_is_representable_time(p_started_at) AND fn_dot_is_representable_time(p_ended_at))
      THEN 'started_at and ended_at are times between the years 1 and 9999'
    WHEN p_ended_at < p_started_at THEN 'ended_at is before started_at'
    WHEN greatest(p_started_at, p_ended_at) > clock_timestamp() + interval '1 day'
      THEN 'started_at and ended_at are at most a day later than the database''s clock'
  END;
END;
$$;
