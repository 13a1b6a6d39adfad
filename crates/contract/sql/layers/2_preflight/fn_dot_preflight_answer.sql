-- The answer of one check, fail-closed: one that raises, returns null, or whose function is missing is a BLOCK. An
-- answer that does not block is remembered for max_age; one that blocks is asked for again each time, so that mending what
-- it found takes effect at once.
CREATE OR REPLACE FUNCTION fn_dot_preflight_answer(INOUT p_check dot_preflight_check, OUT cnt bigint, OUT status text)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_asked_at timestamptz := clock_timestamp();
BEGIN
  BEGIN
    cnt := fn_dot_preflight_ask(p_check.count_query);
    status := CASE WHEN cnt IS NULL OR cnt < 0 THEN 'BLOCK' WHEN cnt = 0 THEN 'PASS' ELSE p_check.on_finding END;
  EXCEPTION WHEN OTHERS OR assert_failure THEN
    -- OTHERS leaves out query_canceled too, and so it stays: the caller's statement_timeout is no answer.
    cnt := NULL;
    status := 'BLOCK';
  END;
  IF status <> 'BLOCK' AND p_check.max_age > interval '0' AND current_setting('transaction_read_only') = 'off' THEN
    PERFORM FROM dot_preflight_check c WHERE c.check_name = p_check.check_name FOR UPDATE SKIP LOCKED;
    -- Skipped where another caller is just writing the same answer: nobody waits for a memory.
    IF FOUND THEN
      UPDATE dot_preflight_check c SET answered_query = p_check.count_query, answered_cnt = cnt, answered_at = v_asked_at
      WHERE c.check_name = p_check.check_name;
    END IF;
  END IF;
END;
$$;
