-- Runs one check and returns its count. A registered check is foreign code, and its only permitted effect is to return
-- a number. This function is SECURITY DEFINER and belongs to the checker role, which may read but may call no ledger
-- function. The check runs in a read-only subtransaction that is always rolled back, so that no row, setting, trigger
-- or notification of it remains.
--
-- A rollback does not undo everything. On every exit this function checks the search path that its callers depend on,
-- the session's advisory locks, and the prepared statements: the caller would later execute a statement that the check
-- replaced, with the caller's privileges. A cancellation during this clean-up is caught, and the clean-up repeated.
-- Raises the check's own error. A check without a result blocks.
CREATE OR REPLACE FUNCTION fn_dot_preflight_run_check(p_count_query text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
-- The result is cached for all callers, so no setting of this session may influence it.
SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET transform_null_equals = off
SET standard_conforming_strings = on SET backslash_quote = safe_encoding SET extra_float_digits = 1
  SET bytea_output = 'hex'
SET array_nulls = on SET row_security = on SET lc_monetary = 'C' SET lc_numeric = 'C' SET lc_time = 'C'
SET xmloption = 'content' SET xmlbinary = 'base64' SET timezone_abbreviations = 'Default' SET gin_fuzzy_search_limit = 0
  SET stats_fetch_consistency = 'cache'
SET plpgsql.check_asserts = on SET quote_all_identifiers = off
  SET default_text_search_config = 'pg_catalog.simple' AS $$
#variable_conflict use_column
DECLARE
  v_path       text := current_setting('search_path');
  v_timeout    interval := current_setting('statement_timeout')::interval;
  v_check      text;
  v_is_ours    boolean;
  v_count      bigint;
  v_error      text;
  v_state      text;
  v_left       text;
  v_statements jsonb;
BEGIN
  -- The name comes from the catalogue, which quotes it. No text of a caller is executed.
  SELECT format('SELECT %I.%I()', n.nspname, p.proname), n.nspname = current_schema() INTO v_check, v_is_ours
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = to_regprocedure(p_count_query || '()');
  IF v_check IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_function', MESSAGE = format('there is no function %s()', p_count_query);
  ELSIF fn_dot_check_path_flaw(to_regprocedure(p_count_query || '()')) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s %s', p_count_query, fn_dot_check_path_flaw(to_regprocedure(p_count_query || '()')));
  -- The built-in checks use neither temporary objects nor cursors.
  ELSIF NOT v_is_ours AND fn_dot_temporary_object() IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s is not asked while the session has temporary objects', p_count_query);
  ELSIF NOT v_is_ours AND fn_dot_open_cursor() IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s is not asked while a cursor of the session is open', p_count_query);
  END IF;
  -- A lock that the check took on one of these keys could not be detected, and would remain.
  IF NOT v_is_ours AND cardinality(fn_dot_session_locks()) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s is not asked while the session holds advisory locks', p_count_query);
  END IF;
  v_statements := fn_dot_prepared_statements();
  -- Discards the session statistics that the caller's transaction read earlier.
  PERFORM pg_stat_clear_snapshot();
  BEGIN
    BEGIN
      PERFORM set_config('transaction_read_only', 'on', true);
      EXECUTE v_check INTO v_count;
      RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
    EXCEPTION
      WHEN SQLSTATE 'DOTUN' THEN NULL;
      -- OTHERS does not catch these two.
      WHEN OTHERS OR query_canceled OR assert_failure THEN
        v_state := SQLSTATE; v_error := SQLERRM;
    END;
    IF pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) v_path THEN
      PERFORM pg_catalog.set_config('search_path', v_path, true);
      v_left := 'changed the search path';
    END IF;
    v_left := concat_ws(', ', v_left, fn_dot_preflight_undo(v_statements, NOT v_is_ours));
  EXCEPTION WHEN query_canceled THEN
    v_state := SQLSTATE; v_error := SQLERRM;
    v_left := fn_dot_preflight_undo(v_statements, NOT v_is_ours);
  END;
  -- A cancellation is not a result of the check. Only the server's own cancellation is accepted as one. The timeout
  -- runs from the first message of a statement, statement_timestamp() from the last.
  IF v_state = '57014' AND NOT (v_timeout > interval '0' AND clock_timestamp() - statement_timestamp()
      >= v_timeout - least(v_timeout / 10, interval '100 milliseconds')) THEN
    v_state := 'external_routine_exception';
  END IF;
  IF v_state IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = v_state, MESSAGE = v_error;
  ELSIF v_left <> '' THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception', MESSAGE = format('%s %s', p_count_query, v_left);
  END IF;
  RETURN v_count;
END;
$$;
