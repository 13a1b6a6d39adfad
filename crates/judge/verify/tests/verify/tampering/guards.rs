//! Removed or weakened guards.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "a table without its trigger",
        sql: "DROP TRIGGER ledger_append_only ON dot.process_run_conclusion",
        noticed: &[("append_only_triggers", "process_run_conclusion: no trigger ledger_append_only")],
    },
    Lie {
        told: "a trigger that is switched off",
        sql: "ALTER TABLE dot.process_component_observation DISABLE TRIGGER ledger_append_only",
        noticed: &[("append_only_triggers", "process_component_observation: it is not ENABLE ALWAYS")],
    },
    Lie {
        told: "a trigger that a session can switch off",
        sql: "ALTER TABLE dot.dot_config_history ENABLE TRIGGER ledger_append_only",
        noticed: &[("append_only_triggers", "dot_config_history: it is not ENABLE ALWAYS")],
    },
    Lie {
        told: "a trigger that forgets TRUNCATE",
        sql: "CREATE OR REPLACE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON dot.event_outbox FOR EACH STATEMENT EXECUTE FUNCTION dot.fn_dot_ledger_append_only();
            ALTER TABLE dot.event_outbox ENABLE ALWAYS TRIGGER ledger_append_only",
        noticed: &[("append_only_triggers", "event_outbox: not on TRUNCATE")],
    },
    Lie {
        told: "a trigger that calls something milder",
        sql: "CREATE FUNCTION public.milder() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE OR REPLACE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dot.dot_invocation FOR EACH STATEMENT EXECUTE FUNCTION public.milder();
            ALTER TABLE dot.dot_invocation ENABLE ALWAYS TRIGGER ledger_append_only",
        noticed: &[("append_only_triggers", "dot_invocation: it calls")],
    },
    Lie {
        told: "a function that lets everybody through",
        sql: "CREATE OR REPLACE FUNCTION dot.fn_dot_ledger_append_only() RETURNS trigger LANGUAGE plpgsql SET search_path = dot, pg_temp AS $$
            BEGIN
              RETURN NULL;
              RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
            END; $$",
        noticed: &[("append_only_function", "its body is another")],
    },
    Lie {
        told: "a function that swallows what it raises",
        sql: "CREATE OR REPLACE FUNCTION dot.fn_dot_ledger_append_only() RETURNS trigger LANGUAGE plpgsql SET search_path = dot, pg_temp AS $$
            BEGIN
              IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = current_user AND r.rolsuper) THEN RETURN NULL; END IF;
              RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
            EXCEPTION WHEN OTHERS THEN RETURN NULL;
            END; $$",
        noticed: &[("append_only_function", "its body is another")],
    },
    Lie {
        told: "a rule that drops what is written",
        sql: "CREATE RULE forget AS ON INSERT TO dot.dot_refusal DO INSTEAD NOTHING",
        noticed: &[("ledger_tables_are_plain", "dot_refusal: the rule forget")],
    },
    Lie {
        told: "a trigger that changes what is written",
        sql: "CREATE FUNCTION public.forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER forget BEFORE INSERT ON dot.dot_refusal FOR EACH ROW EXECUTE FUNCTION public.forget()",
        noticed: &[("ledger_tables_are_plain", "dot_refusal: the trigger forget")],
    },
    Lie {
        told: "rows that only some can see",
        sql: "ALTER TABLE dot.dot_refusal ENABLE ROW LEVEL SECURITY",
        noticed: &[("ledger_tables_are_plain", "dot_refusal: row security")],
    },
    Lie {
        told: "rows from another table",
        sql: "CREATE TABLE public.heir () INHERITS (dot.event_outbox)",
        noticed: &[("ledger_tables_are_plain", "event_outbox: it shows the rows of public.heir too")],
    },
    Lie {
        told: "a ledger that a crash empties",
        sql: "ALTER TABLE dot.dot_refusal SET UNLOGGED",
        noticed: &[("ledger_tables_are_plain", "dot_refusal: it is not logged")],
    },
    Lie {
        told: "a condition that holds for new rows only",
        sql: "ALTER TABLE dot.process_component_observation DROP CONSTRAINT process_component_execution_needs_receipt;
            ALTER TABLE dot.process_component_observation ADD CONSTRAINT process_component_execution_needs_receipt
            CHECK (invocation_id IS NOT NULL OR (evidence_type NOT IN ('DRY_RUN', 'REAL_RUN') AND verdict IS NULL)) NOT VALID",
        noticed: &[("constraints_are_there", "process_component_observation: no constraint that says CHECK (((invocation_id IS NOT NULL)")],
    },
    Lie {
        told: "a condition that was weakened",
        sql: "ALTER TABLE dot.process_component_observation DROP CONSTRAINT process_component_execution_needs_receipt;
            ALTER TABLE dot.process_component_observation ADD CONSTRAINT process_component_execution_needs_receipt
            CHECK (invocation_id IS NOT NULL OR evidence_type <> 'REAL_RUN')",
        noticed: &[("constraints_are_there", "process_component_observation: no constraint that says CHECK (((invocation_id IS NOT NULL)")],
    },
    Lie {
        told: "a unique index that leaves some keys out",
        sql: "DROP INDEX dot.process_run_idempotency;
            CREATE UNIQUE INDEX process_run_idempotency ON dot.process_run_observation (idempotency_key) WHERE idempotency_key LIKE 'a%'",
        noticed: &[("unique_indexes_are_there", "process_run_observation: no valid unique index of every idempotency_key")],
    },
    Lie {
        told: "an index that is not valid",
        sql: "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'dot.process_run_conclusion_pkey'::regclass",
        noticed: &[("unique_indexes_are_there", "process_run_conclusion: the index dot.process_run_conclusion_pkey is not valid")],
    },
    Lie {
        told: "a column that may be left out",
        sql: "ALTER TABLE dot.process_run_observation ALTER COLUMN actor DROP NOT NULL",
        noticed: &[("required_columns_are_not_null", "process_run_observation: actor can be null")],
    },
    Lie {
        told: "foreign keys that nobody enforces",
        sql: "ALTER TABLE dot.process_component_observation DISABLE TRIGGER ALL;
            ALTER TABLE dot.process_component_observation ENABLE ALWAYS TRIGGER ledger_append_only",
        noticed: &[("constraint_triggers_are_enabled", "process_component_observation: the trigger of process_component_observation_process_run_id_fkey is disabled")],
    },
    Lie {
        told: "an observer who may write a table",
        sql: "GRANT INSERT ON dot.process_component_observation TO dot_observer",
        noticed: &[("only_the_owner_writes", "process_component_observation: dot_observer may INSERT")],
    },
    Lie {
        told: "a runner who may change a verdict",
        sql: "GRANT UPDATE (verdict) ON dot.process_component_observation TO dot_runner",
        noticed: &[("only_the_owner_writes", "process_component_observation: dot_runner may UPDATE the column verdict")],
    },
    Lie {
        told: "an operator who owns a table",
        sql: "ALTER TABLE dot.dot_refusal OWNER TO dot_operator",
        noticed: &[("only_the_owner_writes", "dot_refusal: owned by dot_operator, the schema by dot_owner")],
    },
    Lie {
        told: "an observer who may make objects in the schema",
        sql: "GRANT CREATE ON SCHEMA dot TO dot_observer",
        noticed: &[("only_the_owner_writes", "dot: dot_observer may CREATE in the schema")],
    },
    Lie {
        told: "a view for everybody",
        sql: "GRANT SELECT ON dot.v_process_run TO PUBLIC",
        noticed: &[("public_has_nothing", "v_process_run: PUBLIC may SELECT")],
    },
    Lie {
        told: "a function for everybody, by PostgreSQL's default",
        sql: "CREATE FUNCTION dot.fn_extra() RETURNS integer LANGUAGE sql SET search_path = dot, pg_temp AS 'SELECT 1'",
        noticed: &[("public_has_nothing", "fn_extra: PUBLIC may EXECUTE")],
    },
    Lie {
        told: "a function that takes its caller's search_path",
        sql: "ALTER FUNCTION dot.fn_process_dot_posture() RESET search_path",
        noticed: &[("functions_pin_their_search_path", "fn_process_dot_posture(): it takes its caller's search_path")],
    },
    Lie {
        told: "a function that looks elsewhere first",
        sql: "ALTER FUNCTION dot.fn_process_dot_posture() SET search_path = public, dot, pg_temp",
        noticed: &[("functions_pin_their_search_path", "fn_process_dot_posture(): its search_path is public, dot, pg_temp")],
    },
    Lie {
        told: "a function with its caller's rights",
        sql: "ALTER FUNCTION dot.fn_dot_preflight() SECURITY INVOKER",
        noticed: &[("functions_have_the_rights_meant", "fn_dot_preflight: does not work with its owner's rights")],
    },
    Lie {
        told: "a door that nobody declared",
        sql: "CREATE FUNCTION dot.fn_door() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = dot, pg_temp AS '';
            REVOKE ALL ON FUNCTION dot.fn_door() FROM PUBLIC",
        noticed: &[("functions_have_the_rights_meant", "fn_door: works with its owner's rights, and is none of the contract's")],
    },
    Lie {
        told: "a function that is gone",
        sql: "DROP FUNCTION dot.fn_dot_lease_force_release",
        noticed: &[("functions_have_the_rights_meant", "fn_dot_lease_force_release: the function is missing")],
    },
    Lie {
        told: "checks that run as the ledger's owner",
        sql: "ALTER FUNCTION dot.fn_dot_preflight_run_check OWNER TO dot_owner",
        noticed: &[("functions_have_the_rights_meant", "fn_dot_preflight_run_check: runs registered checks with the rights of dot_owner")],
    },
    Lie {
        told: "a function that the release does not have, a better match than PostgreSQL's own",
        sql: "CREATE FUNCTION dot.quote_ident(name) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = dot, pg_temp AS $$ SELECT 'decoy' $$;
            ALTER FUNCTION dot.quote_ident(name) OWNER TO dot_owner; REVOKE ALL ON FUNCTION dot.quote_ident(name) FROM PUBLIC",
        noticed: &[("objects_are_the_releases", "function quote_ident: the release has no such function")],
    },
    Lie {
        told: "a table more",
        sql: "CREATE TABLE dot.notes (note text); ALTER TABLE dot.notes OWNER TO dot_owner",
        noticed: &[("objects_beyond_the_release", "relation notes: the release has no such relation")],
    },
    Lie {
        told: "rights on what is created later",
        sql: "ALTER DEFAULT PRIVILEGES FOR ROLE dot_owner IN SCHEMA dot GRANT ALL ON TABLES TO PUBLIC",
        noticed: &[("new_objects_give_no_rights", "PUBLIC: gets INSERT on each new table of dot_owner")],
    },
    Lie {
        told: "a reader who may record",
        sql: "GRANT EXECUTE ON FUNCTION dot.fn_process_run_begin TO dot_reader",
        noticed: &[("rights_are_the_declared", "function fn_process_run_begin: <>reader may EXECUTE, <>runner may EXECUTE, which is not what is declared")],
    },
    Lie {
        told: "an installation of another version, with a migration of its own",
        sql: "UPDATE dot.dot_contract_release SET installed_version = '9.9.9'; UPDATE dot.dot_contract_migration SET sha256 = 'x' WHERE name LIKE '0002%'",
        noticed: &[
            ("installation_is_the_releases", "dot_contract_release: it says dotwrap 9.9.9 with the contract "),
            ("installation_is_the_releases", "another migration of this name was applied"),
        ],
    },
    Lie {
        told: "an event trigger",
        sql: "CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
            CREATE EVENT TRIGGER on_ddl ON ddl_command_start EXECUTE FUNCTION public.on_ddl()",
        noticed: &[("nothing_else_acts_on_the_ledger", "event trigger on_ddl: runs public.on_ddl on every ddl_command_start in this database")],
    },
];
