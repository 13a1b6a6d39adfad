-- Asks one check how much it finds. A registered check is code that somebody wrote, and it can do one thing: return a number.
-- Owned by the checker's role and SECURITY DEFINER, so that it runs with rights to read and no ledger function; in a
-- subtransaction that may not write and is always undone, so that no row, setting, trigger or notification is left of it.
-- What an undoing does not take back is looked for afterwards: the search path that the callers of this function depend on, and
-- locks of the session. Raises what the check raises; a check without an answer blocks.
CREATE OR REPLACE FUNCTION fn_dot_preflight_ask(p_count_query text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
  v_path   text := current_setting('search_path');
  v_check  text;
  v_count  bigint;
  v_error  text;
  v_state  text;
  v_locks  text[];
BEGIN
  -- The name comes from the catalogue, quoted by it; no text of a caller is executed.
  SELECT format('SELECT %I.%I()', n.nspname, p.proname) INTO v_check
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = to_regprocedure(p_count_query || '()');
  IF v_check IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_function', MESSAGE = format('there is no function %s()', p_count_query);
  END IF;
  v_locks := fn_dot_session_locks();
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
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception', MESSAGE = format('%s changed the search path', p_count_query);
  ELSIF v_state IS NOT NULL THEN
    PERFORM fn_dot_session_locks_release(v_locks);
    RAISE EXCEPTION USING ERRCODE = v_state, MESSAGE = v_error;
  ELSIF fn_dot_session_locks_release(v_locks) THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception', MESSAGE = format('%s left a lock of the session', p_count_query);
  ELSIF NOT v_locks <@ fn_dot_session_locks() THEN
    RAISE EXCEPTION USING ERRCODE = 'external_routine_exception', MESSAGE = format('%s gave back locks of the session', p_count_query);
  END IF;
  RETURN v_count;
END;
$$;
