-- Runs the given checks. Refuses where any of them blocks, and names each with its count. p_may_remember is false where
-- the transaction changed something before the call: a check may count that change, and no other session sees it yet.
CREATE OR REPLACE FUNCTION fn_dot_preflight_check_all(p_check_names text[], p_may_remember boolean) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_name     text;
  v_answer   record;
  v_blocking jsonb := '[]';
  -- A cached result lets the runs of all logins pass. A login that may only read writes no cache and locks no row.
  v_remember boolean := p_may_remember AND fn_dot_login_is('observer');
BEGIN
  IF p_check_names = '{}' THEN
    RETURN;
  END IF;
  PERFORM fn_dot_check_snapshot_is_latest();
  -- One refusal for all checks that fn_dot_preflight_run_check would refuse to run.
  IF fn_dot_open_cursor() IS NOT NULL AND EXISTS (
      SELECT FROM dot_preflight_check c
      WHERE c.check_name = ANY (p_check_names) AND NOT starts_with(c.count_query, quote_ident(current_schema()) || '.'))
        THEN
    PERFORM fn_dot_refuse('preflight_blocked',
      format('preflight blocked: checks cannot run while cursor %I is open; close it', fn_dot_open_cursor()),
      '{"checks": []}');
  END IF;
  FOREACH v_name IN ARRAY p_check_names LOOP
    v_answer := fn_dot_preflight_check_result(v_name, v_remember);
    IF v_answer.status = 'BLOCK' THEN
      v_blocking := v_blocking || jsonb_build_object('check_name', v_name, 'cnt', v_answer.cnt);
    END IF;
  END LOOP;
  IF v_blocking <> '[]' THEN
    PERFORM fn_dot_refuse('preflight_blocked', 'preflight blocked: ' || (
      SELECT string_agg(format('%s (%s)', b ->> 'check_name', coalesce(b ->> 'cnt', 'no answer')), ', '
        ORDER BY b ->> 'check_name')
      FROM jsonb_array_elements(v_blocking) b)
      || coalesce('; none but the contract''s own is asked while this session has temporary objects, such as '
        || quote_ident(fn_dot_temporary_object()), ''), jsonb_build_object('checks', v_blocking));
  END IF;
END;
$$;
