//! An uninstallation takes what is the installation's, and nothing else.

use dotwrap_contract::{
    InstallError, UninstallOptions, UninstallPlan, apply, plan_uninstall, uninstall,
};
use rstest_reuse::apply as on;
use tokio_postgres::Client;

use super::{empty, in_schema, works};
use crate::common::backend::on_each_version;
use crate::common::run_calls::{begun, ready};
use crate::common::{Backend, execute, number};

async fn planned(owner: &Client, schema: &str) -> Result<UninstallPlan, InstallError> {
    plan_uninstall(owner, schema, UninstallOptions::default()).await
}

async fn roles_left(superuser: &Client, prefix: &str) -> i64 {
    number(
        superuser,
        &format!("SELECT count(*) FROM pg_roles WHERE rolname ~ '^{prefix}_(owner|reader|observer|runner|operator|relay|archiver|checker)$'"),
    )
    .await
}

#[on(on_each_version)]
async fn schema_and_roles_go_and_can_be_installed_again(backend: Backend) {
    let (stage, owner, superuser, options) = empty(backend).await;
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
    // As the documentation advises. Without a word about it, the roles could not go.
    let database = stage.database().name();
    let grant = format!(
        "GRANT CONNECT ON DATABASE {database} TO {}_reader",
        options.role_prefix
    );
    execute(&owner, &grant).await;
    let plan = planned(&owner, "dot").await.unwrap();
    assert!(plan.runs > 0 && plan.open_runs == 0);
    let kept = uninstall(&owner, &plan).await.unwrap();
    assert_eq!(kept, []);
    assert_eq!(roles_left(&superuser, &options.role_prefix).await, 0);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'dot'";
    assert_eq!(number(&superuser, schemas).await, 0);
    let again = planned(&owner, "dot").await.unwrap_err();
    assert!(matches!(again, InstallError::NotInstalled(_)), "{again}");
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
}

#[on(on_each_version)]
async fn roles_that_another_installation_uses_stay_and_it_works_on(backend: Backend) {
    let (stage, owner, superuser, options) = empty(backend).await;
    apply(&owner, &options).await.unwrap();
    let other = in_schema(&stage, "other");
    apply(&owner, &other).await.unwrap();
    let plan = planned(&owner, "dot").await.unwrap();
    let kept = uninstall(&owner, &plan).await.unwrap();
    assert_eq!(kept.len(), 8);
    assert!(kept[0].reason.contains("the database"), "{kept:?}");
    works(&owner, "other").await;
    let owners = format!(
        "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles o ON o.oid = m.member
         WHERE r.rolname = '{}_owner' AND NOT o.rolsuper AND coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)",
        options.role_prefix
    );
    assert_eq!(
        number(&superuser, &owners).await,
        0,
        "the owner has members"
    );
}

#[on(on_each_version)]
async fn what_is_not_the_contracts_is_named_and_stays(backend: Backend) {
    let (_stage, owner, superuser, options) = empty(backend).await;
    apply(&owner, &options).await.unwrap();
    for (object, name) in [
        ("TABLE dot.mine (id int)", "table dot.mine"),
        ("VIEW dot.seen AS SELECT 1", "view dot.seen"),
        ("TYPE dot.colour AS ENUM ('red')", "type dot.colour"),
        ("SEQUENCE dot.counter", "sequence dot.counter"),
        (
            "FUNCTION dot.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "function dot.mine()",
        ),
        (
            "VIEW public.report AS SELECT process_run_id FROM dot.v_process_run",
            "view report",
        ),
        (
            "TABLE public.note (run uuid REFERENCES dot.process_run_observation)",
            "constraint note_run_fkey of note",
        ),
    ] {
        execute(&superuser, &format!("CREATE {object}")).await;
        match planned(&owner, "dot").await.unwrap_err() {
            InstallError::ForeignObjects { objects, .. } => assert_eq!(objects, [name]),
            other => panic!("{name}: {other}"),
        }
        let (kind, rest) = object.split_once(' ').unwrap();
        let end = rest.find([' ', '(']).unwrap_or(rest.len());
        execute(&superuser, &format!("DROP {kind} {}", &rest[..end])).await;
    }
    execute(
        &owner,
        "CREATE VIEW public.report AS SELECT process_run_id FROM dot.v_process_run",
    )
    .await;
    let told = UninstallOptions {
        foreign_objects: true,
        ..UninstallOptions::default()
    };
    let plan = plan_uninstall(&owner, "dot", told).await.unwrap();
    assert_eq!(plan.foreign_objects, ["view report"]);
    assert_eq!(uninstall(&owner, &plan).await.unwrap(), []);
}

#[on(on_each_version)]
async fn an_open_run_keeps_the_ledger_unless_forced(backend: Backend) {
    let (stage, runner, _operator, superuser) = ready(backend).await;
    let owner = stage.installer().await;
    let before = planned(&owner, "dot").await.unwrap();
    begun(&runner, "REAL_RUN").await;
    let refused = planned(&owner, "dot").await.unwrap_err();
    assert!(matches!(refused, InstallError::RunsOpen(1)), "{refused}");
    // The same for a run that began after the plan was made.
    let refused = uninstall(&owner, &before).await.unwrap_err();
    assert!(matches!(refused, InstallError::RunsOpen(_)), "{refused}");
    assert_eq!(
        number(&superuser, "SELECT count(*) FROM dot.dot_invocation").await,
        1
    );
    let forced = UninstallOptions {
        force: true,
        ..UninstallOptions::default()
    };
    let plan = plan_uninstall(&owner, "dot", forced).await.unwrap();
    assert_eq!(plan.open_runs, 1);
    uninstall(&owner, &plan).await.unwrap();
}
