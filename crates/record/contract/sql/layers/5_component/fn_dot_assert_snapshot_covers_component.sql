-- In REPEATABLE READ and SERIALIZABLE a transaction can hold the header's lock and still not see a component of the run
-- that was committed after its snapshot. It would count the run wrongly, or accept the verifier of another pair. The
-- unique index on (run, role) detects this: an insert that conflicts with an invisible row fails with a serialization
-- error, and the caller retries its transaction. An insert without a conflict is rolled back here.
CREATE OR REPLACE FUNCTION fn_dot_assert_snapshot_covers_component(p_process_run_id uuid, p_component_role text)
  RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') THEN
    RETURN;
  END IF;
  BEGIN
    INSERT INTO process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code,
      correlation_id, dot_code, status, evidence_type, source_system, evidence_ref, actor)
    VALUES (gen_random_uuid(), p_process_run_id, p_component_role, 'never committed', 'never committed',
      'never committed', 'observed', 'SIMULATED_DRY_RUN', 'never committed', '{}', 'never committed')
    ON CONFLICT (process_run_id, component_role) DO NOTHING;
    RAISE EXCEPTION USING ERRCODE = 'DOTUN', MESSAGE = 'undo';
  EXCEPTION WHEN SQLSTATE 'DOTUN' THEN
    NULL;
  END;
END;
$$;
