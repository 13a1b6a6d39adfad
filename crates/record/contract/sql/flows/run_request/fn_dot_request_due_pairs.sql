-- Returns the pairs, modes and priorities with a due request, and since when. One index look-up per pair, mode and
-- priority, however many requests are queued for it.
CREATE OR REPLACE FUNCTION fn_dot_request_due_pairs()
  RETURNS TABLE (dot_code text, mode text, priority smallint, not_before timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
  v_due record;
BEGIN
  SELECT r.dot_code, r.mode, r.priority, r.not_before INTO v_due FROM dot_run_request r
  WHERE r.state = 'waiting' ORDER BY r.dot_code, r.mode, r.priority, r.not_before LIMIT 1;
  WHILE FOUND LOOP
    IF v_due.not_before <= v_now THEN
      dot_code := v_due.dot_code; mode := v_due.mode; priority := v_due.priority; not_before := v_due.not_before;
      RETURN NEXT;
    END IF;
    SELECT r.dot_code, r.mode, r.priority, r.not_before INTO v_due FROM dot_run_request r
    WHERE r.state = 'waiting' AND (r.dot_code, r.mode, r.priority) > (v_due.dot_code, v_due.mode, v_due.priority)
      ORDER BY r.dot_code, r.mode, r.priority, r.not_before LIMIT 1;
  END LOOP;
END;
$$;
