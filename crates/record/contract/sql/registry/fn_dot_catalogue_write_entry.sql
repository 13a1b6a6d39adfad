-- Writes one candidate, fixture or contract through its own function. Returns the action, the changed columns or the
-- refusal, and for a contract its row with the tool's engine. An entry without a change is rolled back, so that the
-- history shows no change.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_write_entry(p_kind text, p_entry jsonb, p_actor text, p_reason text)
  RETURNS jsonb
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_before  jsonb := fn_dot_catalogue_row(p_kind, p_entry);
  v_after   jsonb;
  v_code    text;
  v_message text;
  v_done    jsonb;
BEGIN
  BEGIN
    PERFORM fn_dot_check_catalogue_entry(p_kind, p_entry);
    IF p_kind = 'candidate' THEN
      PERFORM fn_process_candidate_set(p_entry ->> 'code', p_entry ->> 'title', p_entry ->> 'owner', p_actor);
    ELSIF p_kind = 'fixture' THEN
      PERFORM fn_dot_fixture_put(p_entry ->> 'fixture_ref', p_entry ->> 'body', p_entry ->> 'sha256', p_actor);
    ELSE
      PERFORM fn_dot_contract_set(p_entry, p_actor, p_reason);
    END IF;
    v_after := fn_dot_catalogue_row(p_kind, p_entry);
    IF v_after = v_before THEN
      RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
    END IF;
    v_done := jsonb_build_object('action', CASE WHEN v_before IS NULL THEN 'add' ELSE 'change' END, 'detail', (
      SELECT string_agg(a.key, ', ' ORDER BY a.key) FROM jsonb_each(v_after) a
        WHERE a.value IS DISTINCT FROM v_before -> a.key
        AND v_before IS NOT NULL));
  EXCEPTION
    WHEN SQLSTATE 'DOTUN' THEN
      v_done := jsonb_build_object('action', 'keep');
    WHEN check_violation THEN
      GET STACKED DIAGNOSTICS v_code = CONSTRAINT_NAME, v_message = MESSAGE_TEXT;
      -- A violation of a table's own constraint is not a refusal.
      IF NOT EXISTS (SELECT FROM v_dot_refusal_code c WHERE c.code = v_code) THEN
        RAISE;
      END IF;
      RETURN jsonb_build_object('action', 'refuse', 'code', v_code, 'detail', v_message);
  END;
  IF p_kind = 'contract' THEN
    v_done := v_done || jsonb_build_object('contract', v_after, 'execution_engine', (
      SELECT t.execution_engine FROM dot_tools t WHERE t.dot_code = p_entry ->> 'dot_code'));
  END IF;
  RETURN v_done;
END;
$$;
