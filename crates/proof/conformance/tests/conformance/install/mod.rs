//! Installation: fresh, repeated, as an upgrade, in other schemas, concurrent, and where it must be refused.

mod concurrent_install;
mod doctor;
mod installer_rights;
mod names;
mod newer_release;
mod reinstall;
mod release_0_1_0;
mod repair;
mod transfer;
mod uninstall;
mod upgrade;

use std::collections::BTreeSet;

use dotwrap_contract::{InstallOptions, apply};
use serde_json::json;
use tokio_postgres::Client;

use crate::common::catalogue::catalogue;
use crate::common::fixtures::tools;
use crate::common::{Backend, Call, TestContext, execute, literal, number, row, rows, text};

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// As a user of an empty database installs: his own prefix, because roles are the server's.
pub(super) fn options(stage: &TestContext) -> InstallOptions {
    InstallOptions {
        role_prefix: stage.database().role_prefix().to_owned(),
        ..InstallOptions::default()
    }
}

/// An empty database with its installing user and superuser, and the options to install with.
pub(super) async fn empty(backend: Backend) -> (TestContext, Client, Client, InstallOptions) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    let options = options(&stage);
    (stage, owner, superuser, options)
}

/// The same options, for a repair.
pub(super) fn repairing(options: &InstallOptions) -> InstallOptions {
    InstallOptions {
        repair: true,
        ..options.clone()
    }
}

pub(super) fn in_schema(stage: &TestContext, schema: &str) -> InstallOptions {
    InstallOptions {
        schema: schema.to_owned(),
        ..options(stage)
    }
}

pub(super) async fn catalogue_of(
    stage: &TestContext,
    options: &InstallOptions,
) -> BTreeSet<String> {
    let catalogue = catalogue(&stage.superuser().await, &options.role_prefix).await;
    assert!(catalogue.len() > 300, "{}", catalogue.len());
    catalogue
}

/// The catalogue of a fresh installation in a database of its own.
pub(super) async fn fresh_catalogue(backend: Backend) -> BTreeSet<String> {
    let stage = TestContext::empty(backend).await;
    apply(&stage.installer().await, &options(&stage))
        .await
        .unwrap();
    catalogue_of(&stage, &options(&stage)).await
}

/// Records a pair in an installation, and sees it in its views: it is not only there, it works.
pub(super) async fn works(client: &Client, schema: &str) {
    let schema = quoted(schema);
    let import = Call::new("fn_dot_tools_import")
        .with(
            "p_tools",
            format!("{}::jsonb", literal(&tools().to_string())),
        )
        .text("p_actor", "operator");
    rows(client, &import.sql_in(&schema)).await;
    let before = number(
        client,
        &format!("SELECT count(*) FROM {schema}.v_process_run"),
    )
    .await;
    let pair = row(client, &Call::pair().sql_in(&schema)).await;
    assert_eq!(
        (&pair["created"], &pair["status"]),
        (&json!(true), &json!("completed"))
    );
    assert_eq!(
        number(
            client,
            &format!("SELECT count(*) FROM {schema}.v_process_run")
        )
        .await,
        before + 1
    );
    let answers = rows(
        client,
        &format!("SELECT DISTINCT status FROM {schema}.fn_dot_preflight()"),
    )
    .await;
    assert_eq!(answers, [json!({"status": "PASS"})]);
    assert_eq!(
        text(client, &format!("SELECT {schema}.fn_process_dot_posture()")).await,
        "NO_EXECUTE"
    );
}

/// A login of this stage that may only connect.
pub(super) async fn create_login(stage: &TestContext, attributes: &str) -> Client {
    let name = format!("{}_somebody", stage.database().role_prefix());
    execute(
        &stage.superuser().await,
        &format!("CREATE ROLE {name} LOGIN {attributes}"),
    )
    .await;
    stage.database().client_as(&name).await
}
