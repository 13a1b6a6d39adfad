-- Asks the checks again whose answers are due, before they are too old; those that another caller is just asking are
-- left to it. What blocks is refused here as it would be in a moment. Nothing is asked where the answer could not be
-- remembered: the remembered one still holds.
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
