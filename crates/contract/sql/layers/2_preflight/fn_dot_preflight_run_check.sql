-- Asks one check how much it finds. A registered check is code that somebody wrote, and it can do one thing: return a
-- number. Owned by the checker's role and SECURITY DEFINER, so that it runs with rights to read and no ledger function;
-- in a subtransaction that may not write and is always undone, so that no row, setting, trigger or notification is left
-- of it.
--
-- An undoing does not take everything back. On every way out this looks for the search path that the callers of this
-- function depend on, for locks of the session, and for prepared statements: a check that replaced one of its caller's
-- would have its own text executed with the caller's rights later. A cancellation that comes in between is caught, and
-- the look repeated. Raises what the check raises; a check without an answer blocks.
CREATE OR REPLACE FUNCTION fn_dot_preflight_run_check(p_count_query text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
-- The answer is everybody's, so no setting of this session's decides it.
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
  -- The name comes from the catalogue, quoted by it; no text of a caller is executed.
  SELECT format('SELECT %I.%I()', n.nspname, p.proname), n.nspname = current_schema() INTO v_check, v_is_ours
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = to_regprocedure(p_count_query || '()');
  IF v_check IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_function', MESSAGE = format('there is no function %s()', p_count_query);
  ELSIF fn_dot_check_path_flaw(to_regprocedure(p_count_query || '()')) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s %s', p_count_query, fn_dot_check_path_flaw(to_regprocedure(p_count_query || '()')));
  -- The contract's own checks look at no temporary object and at no cursor.
  ELSIF NOT v_is_ours AND fn_dot_temporary_object() IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s is not asked while the session has temporary objects', p_count_query);
  ELSIF NOT v_is_ours AND fn_dot_open_cursor() IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s is not asked while a cursor of the session is open', p_count_query);
  END IF;
  -- A lock that the check took on a key of these would show nowhere, and stay.
  IF NOT v_is_ours AND cardinality(fn_dot_session_locks()) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception',
      MESSAGE = format('%s is not asked while the session holds advisory locks', p_count_query);
  END IF;
  v_statements := fn_dot_prepared_statements();
  -- What the caller's transaction saw of the sessions earlier is no answer for now.
  PERFORM pg_stat_clear_snapshot();
  BEGIN
    BEGIN
      PERFORM set_config('transaction_read_only', 'on', true);
      EXECUTE v_check INTO v_count;
      RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
    EXCEPTION
      WHEN SQLSTATE 'DOTUN' THEN NULL;
      -- OTHERS leaves these two out.
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
  -- A cancellation is no answer of the check's, but only the server's own is taken for one.
  IF v_state = '57014' AND NOT (v_timeout > interval '0' AND clock_timestamp() - statement_timestamp() >= v_timeout)
    THEN
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
