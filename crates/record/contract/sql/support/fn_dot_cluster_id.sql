-- Returns the cluster of this transaction's id and snapshot, or null where the server does not permit it. A ledger that
-- was restored into another cluster has rows whose transaction ids are meaningless there. Tests the privilege before
-- the call: catching an error would cost each receipt a subtransaction.
CREATE OR REPLACE FUNCTION fn_dot_cluster_id() RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  IF has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
    RETURN (pg_control_system()).system_identifier;
  END IF;
  RETURN NULL;
END;
$$;
