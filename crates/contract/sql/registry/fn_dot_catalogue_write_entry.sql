-- Writes one candidate, fixture or contract through its own function, and returns what became of it: its action, the
-- columns that changed or why it is refused, and of a contract the row, with what calls its tool. An entry that changes
-- nothing is taken back, so that the history does not say that it was changed.
CREATE OR REPLACE FUNCTION fn_dot_catalogue_write_entry(p_kind text, p_entry jsonb, p_actor text) RETURNS jsonb
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
      PERFORM fn_dot_contract_set(p_entry, p_actor);
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
      -- A table's own constraint is no refusal.
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
