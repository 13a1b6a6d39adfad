-- Returns the result of one check. Fails closed: BLOCK where the check raises, returns null or has no function. With
-- p_remember, a result that does not block is cached for the check's max_age. A blocking result is never cached, so
-- that fixing the finding takes effect at once.
CREATE OR REPLACE FUNCTION fn_dot_preflight_check_result(p_check_name text, p_remember boolean, OUT cnt bigint,
  OUT status text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_check    record;
  v_asked_at timestamptz;
BEGIN
  SELECT c.count_query, c.on_finding, c.max_age, c.revision INTO v_check FROM dot_preflight_check c
    WHERE c.check_name = p_check_name;
  v_asked_at := clock_timestamp();
  BEGIN
    cnt := fn_dot_preflight_run_check(v_check.count_query);
    status := CASE WHEN cnt IS NULL OR cnt < 0 THEN 'BLOCK' WHEN cnt = 0 THEN 'PASS' ELSE v_check.on_finding END;
  EXCEPTION WHEN OTHERS OR assert_failure THEN
    -- OTHERS does not catch query_canceled: the caller's statement_timeout is not a check result.
    -- fn_dot_preflight_run_check raises it in no other case.
    cnt := NULL;
    status := 'BLOCK';
  END;
  IF p_remember AND status <> 'BLOCK' AND v_check.max_age > interval '0'
    AND current_setting('transaction_read_only') = 'off' THEN
    PERFORM FROM dot_preflight_answer a WHERE a.check_name = p_check_name FOR NO KEY UPDATE SKIP LOCKED;
    -- Skipped where another caller is writing the same result: no session waits for a cache write.
    IF FOUND THEN
      UPDATE dot_preflight_answer a SET check_revision = v_check.revision, count_query = v_check.count_query,
        cnt = fn_dot_preflight_check_result.cnt, answered_at = v_asked_at
      WHERE a.check_name = p_check_name;
    END IF;
  END IF;
END;
$$;
