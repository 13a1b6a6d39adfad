-- The cluster that this transaction's id and snapshot belong to; null where the server does not tell. A ledger that was
-- restored into another cluster holds rows whose transaction ids mean nothing there. Asked for before it is called: to
-- catch a refusal would cost each receipt a subtransaction.
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
