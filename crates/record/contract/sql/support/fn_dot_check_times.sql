-- Refuses times that a reader cannot rely on: outside the years 1 to 9999, in the wrong order, or in the future. A
-- ledger row cannot be corrected later. Null means no time.
CREATE OR REPLACE FUNCTION fn_dot_check_times(p_started_at timestamptz, p_ended_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_fault text := fn_dot_time_fault(p_started_at, p_ended_at);
BEGIN
  IF v_fault IS NOT NULL THEN
    PERFORM fn_dot_refuse('time_invalid', v_fault,
      jsonb_build_object('started_at', p_started_at::text, 'ended_at', p_ended_at::text));
  END IF;
END;
$$;
