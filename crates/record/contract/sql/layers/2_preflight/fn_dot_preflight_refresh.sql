-- Runs the checks whose cached results are due, before they expire. Skips those that another caller is running. Refuses
-- where one blocks. Runs no check where the result could not be cached: the cached one is still valid.
CREATE OR REPLACE FUNCTION fn_dot_preflight_refresh(p_may_remember boolean) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_may_remember AND current_setting('transaction_read_only') = 'off' THEN
    PERFORM fn_dot_preflight_check_all(ARRAY(
      SELECT a.check_name FROM dot_preflight_answer a JOIN dot_preflight_check c ON c.check_name = a.check_name
      WHERE c.enabled AND clock_timestamp() > a.answered_at + 0.75 * c.max_age
      ORDER BY a.check_name FOR NO KEY UPDATE OF a SKIP LOCKED), true);
  END IF;
END;
$$;
