//! A fresh installation, its script, and a repeated installation.

use dotwrap_contract::{apply, contract_digest, files, installed, plan};
use rstest_reuse::apply as on;

use super::{catalogue_of, fresh_catalogue, options, repairing, works};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::catalogue::assert_same;
use crate::common::{Backend, Call, TestContext, execute, number, rows, value};

#[on(on_each_backend)]
async fn installing_twice_does_no_harm(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    let first = apply(&owner, &options).await.unwrap();
    assert!(first.is_fresh() && !first.is_current());
    assert!(first.warnings.is_empty(), "{:?}", first.warnings);
    works(&owner, "dot").await;
    rows(
        &owner,
        &Call::gate("process_dot_runtime.execute_enabled", "true").sql(),
    )
    .await;
    let (catalogue, data) = (
        catalogue_of(&stage, &options).await,
        crate::common::contents(&stage.superuser().await).await,
    );
    let second = apply(&owner, &options).await.unwrap();
    assert!(second.is_current() && !second.is_fresh());
    crate::common::contents(&stage.superuser().await)
        .await
        .assert_same(&data, "the second install");
    // Put everything back, whatever the record says: what operators and callers wrote stays.
    let repaired = apply(&owner, &repairing(&options)).await.unwrap();
    assert!(!repaired.is_current() && repaired.pending().next().is_none());
    assert_same(
        &catalogue_of(&stage, &options).await,
        &catalogue,
        "after the repair",
    );
    assert_eq!(
        value(
            &owner,
            "SELECT open FROM dot.v_dot_gate WHERE key = 'process_dot_runtime.execute_enabled'"
        )
        .await,
        true
    );
    works(&owner, "dot").await;
    let record = installed(&owner, "dot").await.unwrap().unwrap();
    assert_eq!(
        (record.digest, record.role_prefix),
        (contract_digest(), Some(options.role_prefix))
    );
    assert_eq!(record.migrations.len(), files("tables/").len());
}

#[on(on_each_backend)]
async fn the_printed_script_installs_the_same(backend: Backend) {
    let expected = fresh_catalogue(backend).await;
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    let script = plan(&owner, &options).await.unwrap().script();
    assert!(
        rows(&owner, "SELECT 1 FROM pg_namespace WHERE nspname = 'dot'")
            .await
            .is_empty(),
        "planning changed something"
    );
    owner.batch_execute(&script).await.unwrap();
    assert_same(
        &catalogue_of(&stage, &options).await,
        &expected,
        "installed by its script",
    );
    works(&owner, "dot").await;
    // It says itself that it no longer fits, and changes nothing.
    let error = owner.batch_execute(&script).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42P06", "the schema is there");
    owner.batch_execute("ROLLBACK").await.unwrap();
    assert!(apply(&owner, &options).await.unwrap().is_current());
}

#[on(on_each_version)]
async fn psql_runs_the_printed_script(backend: Backend) {
    // The distribution's client; where there is none, the test before this one stands alone.
    let Ok(psql) = std::process::Command::new("psql").arg("--version").output() else {
        return;
    };
    assert!(psql.status.success());
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    let script = plan(&owner, &options).await.unwrap().script();
    let file = std::env::temp_dir().join(format!("{}.sql", stage.database().name()));
    std::fs::write(&file, script).unwrap();
    let url = stage.database().url_as(stage.database().owner());
    let ran = std::process::Command::new("psql")
        .args([
            "--no-psqlrc",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--file",
        ])
        .arg(&file)
        .arg(&url)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_same(
        &catalogue_of(&stage, &options).await,
        &fresh_catalogue(backend).await,
        "installed by psql",
    );
}

#[on(on_each_version)]
async fn installation_creates_only_roles_outside_the_schema(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    let outside = "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text NOT IN ('dot', 'pg_toast')) + (SELECT count(*) FROM pg_proc WHERE pronamespace::regnamespace::text <> 'dot')
        + (SELECT count(*) FROM pg_type WHERE typnamespace::regnamespace::text NOT IN ('dot', 'pg_toast')) + (SELECT count(*) FROM pg_namespace WHERE nspname <> 'dot')
        + (SELECT count(*) FROM pg_extension) + (SELECT count(*) FROM pg_event_trigger) + (SELECT count(*) FROM pg_default_acl) + (SELECT count(*) FROM pg_language) AS n";
    let before = number(&superuser, outside).await;
    apply(&owner, &options(&stage)).await.unwrap();
    assert_eq!(number(&superuser, outside).await, before);
    let abroad = rows(&superuser, "SELECT conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid WHERE k.connamespace = 'dot'::regnamespace AND c.relnamespace <> 'dot'::regnamespace").await;
    assert!(abroad.is_empty(), "{abroad:?}");
    execute(&superuser, "DROP SCHEMA dot CASCADE").await;
    assert!(apply(&owner, &options(&stage)).await.unwrap().is_fresh());
    works(&owner, "dot").await;
}

#[on(on_each_version)]
async fn every_function_body_compiles(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let superuser = stage.superuser().await;
    // Helpers take the path of the functions that call them.
    execute(
        &superuser,
        "SET check_function_bodies = on; SET search_path = dot, pg_temp",
    )
    .await;
    let functions = rows(&superuser, "SELECT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS definition FROM pg_proc p WHERE p.pronamespace = 'dot'::regnamespace").await;
    assert!(functions.len() > 50);
    for function in functions {
        if let Err(error) = superuser
            .batch_execute(function["definition"].as_str().unwrap())
            .await
        {
            panic!("{}: {error:?}", function["name"]);
        }
    }
}

#[on(on_each_version)]
async fn failed_install_leaves_no_object(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    let script = plan(&owner, &options).await.unwrap().script();
    let broken = script.replace(
        "\n-- What this installation is now",
        "\nSELECT 1 / 0;\n-- What this installation is now",
    );
    assert!(owner.batch_execute(&broken).await.is_err());
    owner.batch_execute("ROLLBACK").await.unwrap();
    assert!(
        rows(&owner, "SELECT 1 FROM pg_namespace WHERE nspname = 'dot'")
            .await
            .is_empty()
    );
    let roles = number(&owner, &format!("SELECT count(*) FROM pg_roles WHERE rolname LIKE '{}\\_%' AND rolname NOT LIKE '%\\_login'", options.role_prefix)).await;
    assert_eq!(roles, 0);
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
}
