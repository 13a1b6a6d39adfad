//! An upgrade of an installation of release 0.1.0, created by the script that its installer printed.

use dotwrap_contract::{Severity, apply, diagnose, installed};
use rstest_reuse::apply as on;
use serde_json::json;
use tokio_postgres::Client;

use super::{catalogue_of, fresh_catalogue, options, repairing, works};
use crate::common::backend::on_each_version;
use crate::common::catalogue::assert_same;
use crate::common::fixtures::{CANDIDATE, PRODUCER};
use crate::common::{Backend, TestContext, execute, row, rows, text};

/// What `dotwrap install --dry-run --role-prefix release010` of 0.1.0 printed.
const SCRIPT: &str = include_str!("../../../fixtures/release-0.1.0.sql");

/// Installs release 0.1.0 and records a pair in it.
async fn release_0_1_0(stage: &TestContext) -> Client {
    let owner = stage.installer().await;
    let prefix = stage.database().role_prefix();
    let script = SCRIPT.replace("release010_", &format!("{prefix}_"));
    let script = script.replace("'release010'", &format!("'{prefix}'"));
    owner.batch_execute(&script).await.unwrap();
    works(&owner, "dot").await;
    owner
}

#[on(on_each_version)]
async fn upgrade_from_0_1_0_equals_a_fresh_installation(backend: Backend) {
    let expected = fresh_catalogue(backend).await;
    let stage = TestContext::empty(backend).await;
    let options = options(&stage);
    let owner = release_0_1_0(&stage).await;
    let version = installed(&owner, "dot").await.unwrap().unwrap().version;
    assert_eq!(version, "0.1.0");
    let upgrade = apply(&owner, &options).await.unwrap();
    assert!(!upgrade.is_fresh());
    assert_same(
        &catalogue_of(&stage, &options).await,
        &expected,
        "upgraded from 0.1.0",
    );
    works(&owner, "dot").await;
    assert!(apply(&owner, &options).await.unwrap().is_current());
}

#[on(on_each_version)]
async fn upgrade_from_0_1_0_keeps_recorded_rows(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = release_0_1_0(&stage).await;
    let recorded = "SELECT process_run_id, correlation_id, status, evidence_type, actor, started_at
        FROM dot.v_process_run";
    let before = rows(&owner, recorded).await;
    assert_eq!(before.len(), 1);
    apply(&owner, &options(&stage)).await.unwrap();
    assert_eq!(rows(&owner, recorded).await, before);
    let counted = format!(
        "SELECT process_candidate_code, run_count, simulated_count
         FROM dot.v_process_discovery_runtime_observed WHERE process_candidate_code = '{CANDIDATE}'"
    );
    assert_eq!(
        row(&owner, &counted).await,
        json!({"process_candidate_code": CANDIDATE, "run_count": 1, "simulated_count": 1})
    );
    let status = format!(
        "SELECT wrapper_status FROM dot.v_process_dot_wrapper_status WHERE dot_code = '{PRODUCER}'"
    );
    assert_eq!(text(&owner, &status).await, "SIMULATED_OBSERVED");
}

/// As an installation of a release that had one function, one overload and one view more, and a superseded function of
/// the checker.
async fn with_superseded_objects(stage: &TestContext) {
    let prefix = stage.database().role_prefix();
    let superseded = format!(
        "SET ROLE {prefix}_owner;
         CREATE FUNCTION dot.fn_dot_superseded() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION dot.fn_dot_preflight(p_all boolean) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE VIEW dot.v_dot_superseded AS SELECT dot.fn_dot_superseded() AS one;
         CREATE VIEW dot.v_dot_superseded_too AS SELECT s.one FROM dot.v_dot_superseded s;
         INSERT INTO dot.dot_contract_object (kind, name) VALUES ('function', 'fn_dot_superseded'),
           ('view', 'v_dot_superseded'), ('view', 'v_dot_superseded_too'), ('function', 'fn_dot_superseded_check');
         UPDATE dot.dot_contract_release SET digest = 'of an older release';
         RESET ROLE;
         GRANT CREATE ON SCHEMA dot TO {prefix}_checker; SET ROLE {prefix}_checker;
         CREATE FUNCTION dot.fn_dot_superseded_check() RETURNS int LANGUAGE sql AS 'SELECT 1'; RESET ROLE;
         REVOKE CREATE ON SCHEMA dot FROM {prefix}_checker"
    );
    execute(&stage.superuser().await, &superseded).await;
}

#[on(on_each_version)]
async fn upgrade_drops_objects_removed_by_the_release(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    apply(&owner, &options).await.unwrap();
    let expected = catalogue_of(&stage, &options).await;
    with_superseded_objects(&stage).await;
    apply(&owner, &options).await.unwrap();
    assert_same(
        &catalogue_of(&stage, &options).await,
        &expected,
        "superseded objects",
    );
}

#[on(on_each_version)]
async fn upgrade_keeps_objects_that_no_release_brought_and_doctor_names_them(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    apply(&owner, &options).await.unwrap();
    execute(
        &stage.superuser().await,
        "CREATE FUNCTION dot.fn_of_our_own() RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE VIEW dot.v_of_our_own AS SELECT 1 AS one; CREATE TABLE dot.of_our_own (one int)",
    )
    .await;
    apply(&owner, &repairing(&options)).await.unwrap();
    let findings = diagnose(&owner, "dot").await.unwrap();
    let finding = findings
        .iter()
        .find(|finding| finding.name == "objects")
        .unwrap();
    assert_eq!(finding.severity, Severity::Warning, "{finding:?}");
    for name in [
        "function dot.fn_of_our_own()",
        "view dot.v_of_our_own",
        "table dot.of_our_own",
    ] {
        assert!(finding.what.contains(name), "{name}: {finding:?}");
    }
}
