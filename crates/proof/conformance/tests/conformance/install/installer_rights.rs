//! Installing users: a plain database owner, one without roles, a superuser, and users without the privilege.

use dotwrap_contract::{InstallError, InstallOptions, RolePolicy, apply};
use rstest_reuse::apply as on;

use super::{catalogue_of, create_login, fresh_catalogue, in_schema, options, repairing, works};
use crate::common::backend::on_each_version;
use crate::common::catalogue::assert_same;
use crate::common::{Backend, Refusal, TestContext, execute, number, text};

#[on(on_each_version)]
async fn installation_without_roles_works_and_warns(backend: Backend) {
    for may_create_roles in [true, false] {
        let stage = TestContext::empty(backend).await;
        let superuser = stage.superuser().await;
        let policy = if may_create_roles {
            RolePolicy::Without
        } else {
            RolePolicy::WherePossible
        };
        if !may_create_roles {
            execute(
                &superuser,
                &format!("ALTER ROLE {} NOCREATEROLE", stage.database().owner()),
            )
            .await;
        }
        let (owner, options) = (
            stage.installer().await,
            InstallOptions {
                roles: policy,
                ..options(&stage)
            },
        );
        let done = apply(&owner, &options).await.unwrap();
        assert!(done.role_prefix().is_none());
        assert!(
            done.warnings
                .iter()
                .any(|warning| warning.contains("WITHOUT ROLES")),
            "{:?}",
            done.warnings
        );
        works(&owner, "dot").await;
        assert!(apply(&owner, &options).await.unwrap().is_current());
        apply(&owner, &repairing(&options)).await.unwrap();
        works(&owner, "dot").await;
        // The one account owns everything, and is refused all the same what it does not do on purpose.
        for change in [
            "UPDATE dot.process_run_observation SET actor = 'x'",
            "DELETE FROM dot.process_run_observation",
            "TRUNCATE dot.process_component_observation",
        ] {
            assert_eq!(
                Refusal::of(&owner.batch_execute(change).await.unwrap_err()).code,
                "ledger_append_only",
                "{change}"
            );
        }
        assert!(owner.batch_execute("INSERT INTO dot.process_component_observation (component_run_id, process_run_id, component_role, process_candidate_code, correlation_id, dot_code, status, evidence_type, source_system, evidence_ref, actor) SELECT gen_random_uuid(), process_run_id, 'producer', 'c', 'c', 'd', 'completed', 'REAL_RUN', 's', '{}', 'a' FROM dot.process_run_observation").await.is_err());
        let to_others = number(&superuser, &format!("SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'dot'::regnamespace AND a.grantee <> '{}'::regrole", stage.database().owner())).await;
        assert_eq!(to_others, 0);
        let open = number(&superuser, "SELECT count(*) FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.pronamespace = 'dot'::regnamespace AND a.grantee = 0").await;
        assert_eq!(open, 0, "PUBLIC may call functions");
    }
}

#[on(on_each_version)]
async fn a_superuser_installs_the_same(backend: Backend) {
    let expected = fresh_catalogue(backend).await;
    let stage = TestContext::empty(backend).await;
    let (superuser, options) = (stage.superuser().await, options(&stage));
    apply(&superuser, &options).await.unwrap();
    assert_same(
        &catalogue_of(&stage, &options).await,
        &expected,
        "installed by a superuser",
    );
    works(&superuser, "dot").await;
    // And its owner is no superuser, so that the guards hold for it.
    execute(
        &superuser,
        &format!("SET ROLE {}_owner", options.role_prefix),
    )
    .await;
    assert_eq!(
        Refusal::of(
            &superuser
                .batch_execute("DELETE FROM dot.dot_refusal")
                .await
                .unwrap_err()
        )
        .code,
        "ledger_append_only"
    );
}

#[on(on_each_version)]
async fn missing_install_privilege_is_refused_before_any_change(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    let stranger = create_login(&stage, "").await;
    let no_roles = |schema: &str| InstallOptions {
        roles: RolePolicy::Without,
        ..in_schema(&stage, schema)
    };
    let refused = apply(&stranger, &no_roles("dot")).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::MayNotCreateSchema { .. }),
        "{refused}"
    );
    execute(&superuser, "CREATE SCHEMA empty").await;
    let refused = apply(&stranger, &no_roles("empty")).await.unwrap_err();
    assert!(
        matches!(refused, InstallError::NotTheOwner { .. }),
        "{refused}"
    );
    apply(&owner, &options(&stage)).await.unwrap();
    for options in [no_roles("dot"), options(&stage)] {
        let refused = apply(&stranger, &options).await.unwrap_err();
        assert!(
            matches!(
                refused,
                InstallError::NotTheOwner { .. } | InstallError::RolesOfOthers { .. }
            ),
            "{refused}"
        );
    }
    let refused = apply(&stranger, &in_schema(&stage, "another"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            InstallError::RolesOfOthers { .. } | InstallError::MayNotCreateSchema { .. }
        ),
        "{refused}"
    );
    works(&owner, "dot").await;
}

#[on(on_each_version)]
async fn an_installation_keeps_the_choice_of_roles_that_it_was_made_with(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let owner = stage.installer().await;
    apply(&owner, &options(&stage)).await.unwrap();
    for changed in [
        InstallOptions {
            role_prefix: format!("{}_x", stage.database().role_prefix()),
            ..options(&stage)
        },
        InstallOptions {
            roles: RolePolicy::Without,
            ..options(&stage)
        },
    ] {
        let refused = apply(&owner, &changed).await.unwrap_err();
        assert!(
            matches!(refused, InstallError::RolesChanged { .. }),
            "{refused}"
        );
    }
    let without = InstallOptions {
        roles: RolePolicy::Without,
        ..in_schema(&stage, "without")
    };
    apply(&owner, &without).await.unwrap();
    let kept = apply(&owner, &in_schema(&stage, "without")).await.unwrap();
    assert!(kept.role_prefix().is_none() && kept.is_current() && !kept.warnings.is_empty());
}

/// On PostgreSQL 15 an account that creates roles can take over roles of others. It is told who acts through them.
#[on(on_each_version)]
async fn installation_with_existing_roles_names_their_members(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    let options = options(&stage);
    let prefix = &options.role_prefix;
    let user = text(&owner, "SELECT current_user::text").await;
    execute(
        &owner,
        &format!("CREATE ROLE {prefix}_owner NOLOGIN; CREATE ROLE {prefix}_mallory LOGIN"),
    )
    .await;
    execute(
        &superuser,
        &format!(
            "GRANT {prefix}_owner TO {prefix}_mallory, {user}; ALTER ROLE {prefix}_owner CREATEDB"
        ),
    )
    .await;
    let plan = dotwrap_contract::plan(&owner, &options).await.unwrap();
    let said = plan.warnings.join("\n");
    for expected in [
        format!("{prefix}_mallory is a member of {prefix}_owner"),
        format!("{prefix}_owner has the attribute CREATEDB"),
    ] {
        assert!(said.contains(&expected), "{said}");
    }
}
