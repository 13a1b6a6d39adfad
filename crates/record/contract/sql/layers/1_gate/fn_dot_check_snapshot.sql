-- Refuses a snapshot in REPEATABLE READ or SERIALIZABLE that is older than a change of a gate or of the registry. Every
-- function that decides by them calls this one.
CREATE OR REPLACE FUNCTION fn_dot_check_snapshot() RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
    AND current_setting('transaction_read_only') <> 'on' THEN
    PERFORM fn_dot_refuse_old_snapshot();
  END IF;
END;
$$;
