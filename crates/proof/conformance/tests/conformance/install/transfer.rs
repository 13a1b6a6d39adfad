//! Which databases take a ledger that is restored from elsewhere. The restore itself is tested where the program does
//! it.

use dotwrap_contract::{
    InstallError, abandon_transfer, apply, begin_transfer, check_transfer_target, row_counts,
};
use rstest_reuse::apply as on;

use super::{empty, options, works};
use crate::common::backend::on_each_version;
use crate::common::{Backend, TestContext, execute, number};

#[on(on_each_version)]
async fn an_installation_as_shipped_takes_a_ledger_and_one_with_rows_does_not(backend: Backend) {
    let (_stage, owner, _superuser, options) = empty(backend).await;
    check_transfer_target(&owner, &options).await.unwrap();
    apply(&owner, &options).await.unwrap();
    check_transfer_target(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
    let refused = begin_transfer(&owner, &options).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::HoldsLedger { .. }),
        "{refused}"
    );
    let counts = row_counts(&owner, "dot").await.unwrap();
    assert_eq!(counts["process_run_observation"], 1);
}

#[on(on_each_version)]
async fn somebody_elses_objects_in_the_schema_are_not_dropped_for_a_ledger(backend: Backend) {
    let (_stage, owner, superuser, options) = empty(backend).await;
    apply(&owner, &options).await.unwrap();
    execute(&superuser, "CREATE TABLE dot.mine (id int)").await;
    let refused = begin_transfer(&owner, &options).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::ForeignObjects { .. }),
        "{refused}"
    );
    assert_eq!(number(&superuser, "SELECT count(*) FROM dot.mine").await, 0);
}

#[on(on_each_version)]
async fn a_login_that_can_not_own_the_ledger_is_refused(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let login = stage.database().owner();
    execute(
        &stage.superuser().await,
        &format!("ALTER ROLE {login} NOCREATEROLE"),
    )
    .await;
    let owner = stage.installer().await;
    let refused = check_transfer_target(&owner, &options(&stage)).await;
    assert!(matches!(refused, Err(InstallError::RolesNeeded)));
}

#[on(on_each_version)]
async fn a_transfer_that_is_abandoned_leaves_no_schema_and_no_owner(backend: Backend) {
    let (_stage, owner, superuser, options) = empty(backend).await;
    begin_transfer(&owner, &options).await.unwrap();
    abandon_transfer(&owner, &options).await.unwrap();
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'dot'";
    assert_eq!(number(&superuser, schemas).await, 0);
    let owners = format!(
        "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles o ON o.oid = m.member
         WHERE r.rolname IN ('{0}_owner', '{0}_checker') AND NOT o.rolsuper
           AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)",
        options.role_prefix
    );
    assert_eq!(number(&superuser, &owners).await, 0);
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
}
