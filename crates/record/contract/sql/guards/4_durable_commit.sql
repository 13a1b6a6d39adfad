-- One a run, a receipt, a conclusion, a gate change and a stop: whatever is acknowledged has one of these in its
-- transaction, but for a component that is recorded alone without execution.
DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY '{process_run_observation,dot_invocation,process_run_conclusion,dot_config_history,
    dot_run_stop,dot_run_resolution,process_output_event}'::text[]
    LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS durable_commit ON %I', v_table);
    EXECUTE format('CREATE CONSTRAINT TRIGGER durable_commit AFTER INSERT ON %I DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION fn_dot_commit_durably()', v_table);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER durable_commit', v_table);
  END LOOP;
END;
$$;
