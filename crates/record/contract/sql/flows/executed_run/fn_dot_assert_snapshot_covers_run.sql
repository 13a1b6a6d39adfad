-- As fn_dot_assert_snapshot_covers_component, for everything that a receipt and a conclusion read: both components,
-- both receipts, and a stop.
CREATE OR REPLACE FUNCTION fn_dot_assert_snapshot_covers_run(p_process_run_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_role text;
BEGIN
  IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') THEN
    RETURN;
  END IF;
  BEGIN
    INSERT INTO dot_run_stop (process_run_id, actor, reason) VALUES (p_process_run_id, 'never committed',
      'never committed')
    ON CONFLICT (process_run_id) DO NOTHING;
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
    NULL;
  END;
  FOREACH v_role IN ARRAY ARRAY['producer', 'verifier'] LOOP
    PERFORM fn_dot_assert_snapshot_covers_component(p_process_run_id, v_role);
    BEGIN
      INSERT INTO dot_invocation (invocation_id, process_run_id, dot_code, component_role, mode, posture, endpoint_ref,
        runner)
      VALUES (gen_random_uuid(), p_process_run_id, 'never committed', v_role, 'DRY_RUN', 'DRY_RUN_ONLY',
        'never committed', 'never committed')
      ON CONFLICT (process_run_id, component_role) DO NOTHING;
      RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
    EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
      NULL;
    END;
  END LOOP;
END;
$$;
