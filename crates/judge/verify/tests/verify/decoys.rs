//! Objects of the schema's owner neither mislead the verifier nor run with its privileges.

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_verify::{Report, VerifyOptions, verify};

use crate::support::{each_on_its_own, findings, used_ledger};

/// A function of the owner that writes down that it was run. In the judge's transaction, which is read-only, it fails,
/// and the judge's question with it.
const SPY: &str = "
    CREATE SEQUENCE public.seen;
    GRANT ALL ON SEQUENCE public.seen TO PUBLIC;
    CREATE FUNCTION dot.spied(boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('public.seen'); RETURN $1; END $$;
    ALTER FUNCTION dot.spied(boolean) OWNER TO dot_owner";

/// What the superuser who verifies finds.
async fn judged_by_a_superuser(database: &TestDatabase) -> Report {
    let mut superuser = database.superuser().await;
    // Sessions can be given anything.
    superuser
        .batch_execute("SET search_path = dot, public; SET quote_all_identifiers = on; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'")
        .await
        .expect("an answer");
    let options = VerifyOptions::default();
    verify(&mut superuser, &options).await.expect("an answer")
}

async fn was_run(database: &TestDatabase) -> bool {
    let client = database.superuser().await;
    let called = "SELECT is_called FROM public.seen";
    client
        .query_one(called, &[])
        .await
        .expect("an answer")
        .get(0)
}

#[tokio::test]
async fn functions_that_match_better_than_postgresqls_own_are_not_called() {
    for version in Version::ALL {
        let database = used_ledger(version).await;
        let decoys = "
            CREATE FUNCTION dot.quote_ident(name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.seen'); RETURN 'decoy'; END $$;
            CREATE FUNCTION dot.concat_ws(text, text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.seen'); RETURN ''; END $$;
            CREATE FUNCTION dot.starts(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.seen'); RETURN true; END $$;
            CREATE OPERATOR dot.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = dot.starts);
            CREATE TABLE dot.pg_class AS SELECT * FROM pg_catalog.pg_class WHERE false;
            GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dot TO PUBLIC;
            ALTER TABLE dot.process_component_observation DISABLE TRIGGER ledger_append_only";
        let client = database.superuser().await;
        each_on_its_own(&client, SPY).await;
        each_on_its_own(&client, decoys).await;
        let found = findings(&judged_by_a_superuser(&database).await);
        assert!(!was_run(&database).await);
        assert!(found.contains_key("append_only_triggers"), "{found:#?}");
        let surplus = &found["objects_are_the_releases"];
        for decoy in [
            "function quote_ident: ",
            "function concat_ws: ",
            "operator ",
        ] {
            assert!(
                surplus.iter().any(|said| said.starts_with(decoy)),
                "{surplus:#?}"
            );
        }
    }
}

#[tokio::test]
async fn a_view_that_is_not_the_releases_is_not_read() {
    for version in Version::ALL {
        let database = used_ledger(version).await;
        let client = database.superuser().await;
        each_on_its_own(&client, SPY).await;
        let view = "SELECT pg_get_viewdef('dot.v_process_run'::regclass)";
        let view: String = client.query_one(view, &[]).await.unwrap().get(0);
        let view = view.trim_end().trim_end_matches(';');
        each_on_its_own(
            &client,
            &format!("CREATE OR REPLACE VIEW dot.v_process_run AS {view} WHERE dot.spied(true)"),
        )
        .await;
        let found = findings(&judged_by_a_superuser(&database).await);
        assert!(!was_run(&database).await);
        let said = &found["run_view_shows_the_ledger"][0];
        assert!(
            said.contains("the question is not asked: v_process_run calls spied"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_view_whose_function_is_not_the_releases_is_not_read() {
    let database = used_ledger(Version::V15).await;
    let client = database.superuser().await;
    each_on_its_own(&client, SPY).await;
    let whitespace = "CREATE OR REPLACE FUNCTION dot.fn_dot_whitespace() RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = dot, pg_temp
        AS $$ BEGIN PERFORM nextval('public.seen'); RETURN ''; END $$";
    each_on_its_own(&client, whitespace).await;
    let found = findings(&judged_by_a_superuser(&database).await);
    assert!(!was_run(&database).await);
    let said = &found["ladder_is_proven"][0];
    assert!(
        said.contains("calls fn_dot_whitespace, which is not the release's"),
        "{said}"
    );
}

/// A query on a table evaluates the conditions of its indexes at planning, with the privileges of the querying role.
#[tokio::test]
async fn a_table_whose_indexes_call_other_functions_is_not_read() {
    for version in Version::ALL {
        let database = used_ledger(version).await;
        let client = database.superuser().await;
        each_on_its_own(&client, SPY).await;
        let index = "CREATE INDEX spied ON dot.dot_refusal (refusal_code) WHERE dot.spied(true)";
        each_on_its_own(&client, index).await;
        each_on_its_own(&client, "SELECT setval('public.seen', 1, false)").await;
        let found = findings(&judged_by_a_superuser(&database).await);
        assert!(!was_run(&database).await);
        let said = &found["minted_ids_tell_their_time"][0];
        assert!(
            said.contains("the question is not asked: dot_refusal has an index"),
            "{said}"
        );
        assert!(
            found.contains_key("objects_beyond_the_release"),
            "{found:#?}"
        );
    }
}

#[tokio::test]
async fn a_column_of_a_type_of_the_schemas_is_not_read() {
    let database = used_ledger(Version::V15).await;
    let client = database.superuser().await;
    let domain = "CREATE DOMAIN dot.message AS text; ALTER TABLE dot.dot_refusal ALTER COLUMN posture TYPE dot.message";
    each_on_its_own(&client, "DROP VIEW dot.v_dot_refusal").await;
    each_on_its_own(&client, domain).await;
    let found = findings(&judged_by_a_superuser(&database).await);
    let said = &found["minted_ids_tell_their_time"][0];
    assert!(
        said.contains("dot_refusal has a column of a type that is not PostgreSQL's own"),
        "{said}"
    );
    let said = &found["objects_are_the_releases"];
    assert!(
        said.contains(&"type message: the release has no such type".to_owned()),
        "{said:#?}"
    );
}

#[tokio::test]
async fn a_view_in_a_tables_place_is_not_read() {
    let database = used_ledger(Version::V15).await;
    let client = database.superuser().await;
    let view = "ALTER TABLE dot.dot_refusal RENAME TO dot_refusal_aside; CREATE VIEW dot.dot_refusal AS SELECT * FROM dot.dot_refusal_aside;
        GRANT SELECT ON dot.dot_refusal TO dot_archiver";
    each_on_its_own(&client, view).await;
    let found = findings(&judged_by_a_superuser(&database).await);
    let said = &found["minted_ids_tell_their_time"][0];
    assert!(
        said.contains("the question is not asked: dot_refusal is not the release's"),
        "{said}"
    );
}
