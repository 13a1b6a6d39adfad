-- Refuses a snapshot in REPEATABLE READ or SERIALIZABLE that does not show every commit. Called before a preflight
-- check runs, which may read any table, and where a stop or a lost lease must not be overlooked. Examines the
-- transaction ids that the snapshot does not show, up to the next unassigned one.
CREATE OR REPLACE FUNCTION fn_dot_check_snapshot_is_latest() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_snapshot pg_snapshot;
  v_first    bigint;
  v_is_old   boolean;
BEGIN
  IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted') THEN
    RETURN;
  END IF;
  v_snapshot := pg_current_snapshot();
  v_first := pg_snapshot_xmax(v_snapshot)::text::bigint;
  v_is_old := EXISTS (SELECT FROM pg_snapshot_xip(v_snapshot) AS x (xid) WHERE pg_xact_status(x.xid) = 'committed');
  BEGIN
    FOR v_xid IN v_first .. v_first + 9999 LOOP
      EXIT WHEN v_is_old;
      v_is_old := coalesce(pg_xact_status(v_xid::text::xid8) = 'committed', true);
    END LOOP;
    -- Too many to examine: treated as stale.
    v_is_old := true;
  EXCEPTION WHEN invalid_parameter_value THEN
    NULL;  -- The end: a transaction id in the future.
  END;
  IF v_is_old THEN
    PERFORM fn_dot_refuse('snapshot_too_old',
      'this cannot be decided: something was committed after this transaction''s snapshot');
  END IF;
END;
$$;
