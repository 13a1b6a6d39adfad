-- Asks the checks again whose answers are due, before they are too old; those that another caller is just asking are left to
-- it. What blocks is refused here as it would be in a moment.
CREATE OR REPLACE FUNCTION fn_dot_preflight_renew() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_check    dot_preflight_check;
  v_answer   record;
  v_blocking jsonb := '[]';
BEGIN
  IF current_setting('transaction_read_only') = 'on' THEN
    RETURN;
  END IF;
  FOR v_check IN
    SELECT c.* FROM dot_preflight_check c
    WHERE c.enabled AND clock_timestamp() > c.answered_at + 0.75 * c.max_age
    ORDER BY c.check_name FOR UPDATE SKIP LOCKED
  LOOP
    v_answer := fn_dot_preflight_answer(v_check);
    IF v_answer.status = 'BLOCK' THEN
      v_blocking := v_blocking || jsonb_build_object('check_name', v_check.check_name, 'cnt', v_answer.cnt);
    END IF;
  END LOOP;
  PERFORM fn_dot_preflight_refuse(v_blocking);
END;
$$;
