-- The cluster that this transaction's id and snapshot belong to; null where the server does not tell. A ledger that was restored
-- into another cluster holds rows whose transaction ids mean nothing there.
CREATE OR REPLACE FUNCTION fn_dot_cluster_id() RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN (SELECT s.system_identifier FROM pg_control_system() s);
EXCEPTION WHEN insufficient_privilege THEN
  RETURN NULL;
END;
$$;
