//! Schemas and role prefixes with any name.

use dotwrap_contract::{InstallError, InstallOptions, apply};
use rstest_reuse::apply as on;

use super::{catalogue_of, fresh_catalogue, in_schema, options, quoted, repairing, works};
use crate::common::backend::on_each_version;
use crate::common::catalogue::assert_same;
use crate::common::{Backend, TestContext, execute, number, text};

/// Hostile schema names.
const SCHEMAS: [&str; 7] = [
    "Team A",
    "it's \"quoted\"",
    "x'; DROP SCHEMA public; --",
    "SELECT",
    "Größe 漢字 🧭",
    "with.dot and %s %I $1 \\",
    "a_name_of_sixty_three_bytes_which_is_all_that_postgresql_can_ho",
];

#[on(on_each_version)]
async fn a_schema_may_have_any_name(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    for schema in SCHEMAS {
        let options = in_schema(&stage, schema);
        apply(&owner, &options)
            .await
            .unwrap_or_else(|error| panic!("{schema}: {error}"));
        works(&owner, schema).await;
        assert!(
            apply(&owner, &options).await.unwrap().is_current(),
            "{schema}"
        );
        apply(&owner, &repairing(&options))
            .await
            .unwrap_or_else(|error| panic!("{schema}: {error}"));
        works(&owner, schema).await;
    }
    // Each is an installation of its own: one pair before the repair and one after it.
    for schema in SCHEMAS {
        assert_eq!(
            number(
                &owner,
                &format!("SELECT count(*) FROM {}.v_process_run", quoted(schema))
            )
            .await,
            2,
            "{schema}"
        );
    }
}

#[on(on_each_version)]
async fn a_role_prefix_may_have_any_name(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    // Begins as the test's own prefix, so that its roles are cleared away with it.
    let prefix = format!("{}_It's \"X\" %s", stage.database().role_prefix());
    let options = InstallOptions {
        role_prefix: prefix.clone(),
        ..InstallOptions::default()
    };
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
    assert!(apply(&owner, &options).await.unwrap().is_current());
    apply(&owner, &repairing(&options)).await.unwrap();
    works(&owner, "dot").await;
    let schema_owner = text(
        &superuser,
        "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'dot'",
    )
    .await;
    assert_eq!(schema_owner, format!("{prefix}_owner"));
}

#[on(on_each_version)]
async fn names_that_postgresql_can_not_hold_are_refused_before_anything_is_done(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    for schema in ["", "  ", "pg_mine", "nul\0l", &"x".repeat(64)] {
        let refused = apply(&owner, &in_schema(&stage, schema)).await.unwrap_err();
        assert!(
            matches!(refused, InstallError::InvalidName { .. }),
            "{schema:?}: {refused}"
        );
    }
    for prefix in ["", "pg_dot", &"x".repeat(60)] {
        let refused = apply(
            &owner,
            &InstallOptions {
                role_prefix: prefix.to_owned(),
                ..InstallOptions::default()
            },
        )
        .await
        .unwrap_err();
        assert!(
            matches!(refused, InstallError::InvalidName { .. }),
            "{prefix:?}: {refused}"
        );
    }
}

#[on(on_each_version)]
async fn a_schema_that_holds_something_else_is_left_alone(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    for something in [
        "CREATE TABLE {}.mine (x int)",
        "CREATE VIEW {}.mine AS SELECT 1",
        "CREATE FUNCTION {}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SEQUENCE {}.mine",
        "CREATE TYPE {}.mine AS ENUM ('x')",
    ] {
        let schema = format!("s{}", something.len());
        execute(
            &owner,
            &format!(
                "CREATE SCHEMA {schema}; {}",
                something.replace("{}", &schema)
            ),
        )
        .await;
        let refused = apply(&owner, &in_schema(&stage, &schema)).await;
        assert!(
            matches!(refused, Err(InstallError::SchemaOccupied(_))),
            "{something}: {refused:?}"
        );
    }
}

#[on(on_each_version)]
async fn an_empty_schema_of_the_installers_own_is_used(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    execute(&owner, "CREATE SCHEMA dot").await;
    apply(&owner, &options(&stage)).await.unwrap();
    works(&owner, "dot").await;
    assert_same(
        &catalogue_of(&stage, &options(&stage)).await,
        &fresh_catalogue(backend).await,
        "in a schema that was there",
    );
}

#[on(on_each_version)]
async fn a_database_of_another_encoding_is_refused(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let name = format!("{}_latin", stage.database().name());
    let postgres =
        dotwrap_testkit::connect(&stage.database().server().superuser_config("postgres")).await;
    execute(&postgres, &format!("CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")).await;
    let client = dotwrap_testkit::connect(&stage.database().server().superuser_config(&name)).await;
    let refused = apply(&client, &options(&stage)).await.unwrap_err();
    drop(client);
    execute(&postgres, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    assert!(matches!(refused, InstallError::NotUtf8(_)), "{refused}");
}
