-- Refuses UPDATE, DELETE and TRUNCATE for every role except a superuser, also for the tables' owner.
--
-- SECURITY INVOKER: current_user is the role that executes the statement, or the owner of a SECURITY DEFINER function.
-- Statement triggers, because TRUNCATE has no rows and an UPDATE without matching rows is an attempt too. ENABLE
-- ALWAYS, because session_replication_role = replica would disable them otherwise.
CREATE OR REPLACE FUNCTION fn_dot_ledger_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
#variable_conflict use_column
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = current_user AND r.rolsuper) THEN
    RETURN NULL;
  END IF;
  -- Raised here and not by fn_dot_refuse, which the refused role may not be allowed to call.
  RAISE EXCEPTION USING
    ERRCODE = 'check_violation',
    CONSTRAINT = 'ledger_append_only',
    MESSAGE = format('%s on %I is refused: it is only ever added to', TG_OP, TG_TABLE_NAME),
    DETAIL = jsonb_build_object('code', 'ledger_append_only', 'table', TG_TABLE_NAME, 'operation', TG_OP)::text,
    HINT = 'The ledger is never changed. Record what is true now as a new row.';
END;
$$;

DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY fn_dot_append_only_tables() LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION fn_dot_ledger_append_only()', v_table);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER ledger_append_only', v_table);
  END LOOP;
END;
$$;
