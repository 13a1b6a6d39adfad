//! Installing: fresh, again, over an older release, elsewhere, at the same time as somebody else, and where it must not.

use std::collections::BTreeSet;

use dotwrap_contract::{
    InstallError, InstallOptions, Plan, RolePolicy, apply, contract_digest, files, installed, plan,
};
use futures_util::future::join_all;
use rstest_reuse::apply as on;
use serde_json::json;
use tokio_postgres::Client;

use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::catalogue::{assert_same, catalogue};
use crate::common::world::{PRODUCER, tools};
use crate::common::{
    Backend, Call, Refusal, Stage, ask, execute, literal, number, row, rows, text, value,
};

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// As a user of an empty database installs: his own prefix, because roles are the server's.
fn options(stage: &Stage) -> InstallOptions {
    InstallOptions {
        role_prefix: stage.database().role_prefix().to_owned(),
        ..InstallOptions::default()
    }
}

fn in_schema(stage: &Stage, schema: &str) -> InstallOptions {
    InstallOptions {
        schema: schema.to_owned(),
        ..options(stage)
    }
}

async fn catalogue_of(stage: &Stage, options: &InstallOptions) -> BTreeSet<String> {
    let catalogue = catalogue(
        &stage.superuser().await,
        &options.schema,
        &options.role_prefix,
    )
    .await;
    assert!(catalogue.len() > 300, "{}", catalogue.len());
    catalogue
}

/// The catalogue of a fresh installation in a database of its own.
async fn fresh_catalogue(backend: Backend) -> BTreeSet<String> {
    let stage = Stage::empty(backend).await;
    apply(&stage.installer().await, &options(&stage))
        .await
        .unwrap();
    catalogue_of(&stage, &options(&stage)).await
}

/// Records a pair in an installation, and sees it in its views: it is not only there, it works.
async fn works(client: &Client, schema: &str) {
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

#[on(on_each_backend)]
async fn installing_twice_does_no_harm(backend: Backend) {
    let stage = Stage::empty(backend).await;
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
    let repaired = apply(
        &owner,
        &InstallOptions {
            repair: true,
            ..options.clone()
        },
    )
    .await
    .unwrap();
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
    let stage = Stage::empty(backend).await;
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
    assert_eq!(error.code().unwrap().code(), "40001");
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
    let stage = Stage::empty(backend).await;
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

/// Schemas as somebody names them who wants to know.
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
    let stage = Stage::empty(backend).await;
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
        apply(
            &owner,
            &InstallOptions {
                repair: true,
                ..options
            },
        )
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
    let stage = Stage::empty(backend).await;
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
    apply(
        &owner,
        &InstallOptions {
            repair: true,
            ..options
        },
    )
    .await
    .unwrap();
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
    let stage = Stage::empty(backend).await;
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
async fn two_installations_of_one_database_do_not_see_each_other(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let (mut owner, other) = (stage.installer().await, stage.installer().await);
    for schema in ["one", "two"] {
        apply(&owner, &in_schema(&stage, schema)).await.unwrap();
        works(&owner, schema).await;
    }
    let keyed = Call::pair()
        .text("p_idempotency_key", "key")
        .text("p_process_run_id", "11111111-1111-4111-8111-111111111111");
    for schema in ["one", "two"] {
        assert_eq!(
            row(&owner, &keyed.sql_in(schema)).await["created"],
            true,
            "a key and an id of the other installation"
        );
    }
    rows(&owner, &Call::acquire(60).sql_in("one")).await;
    assert_eq!(
        row(&owner, &Call::pair().sql_in("two")).await["created"],
        true,
        "the other's lease"
    );
    rows(
        &owner,
        &Call::gate("iu_core.operator_runtime_enabled", "true").sql_in("one"),
    )
    .await;
    assert_eq!(
        value(&owner, "SELECT two.fn_dot_iu_operator_runtime_enabled()").await,
        false
    );
    // Nor do they wait for each other: not for a lease, a gate or an event type.
    let in_flight = owner.transaction().await.unwrap();
    let force = Call::new("fn_dot_lease_force_release")
        .text("p_lease_name", &format!("dot_exec:{PRODUCER}"))
        .text("p_actor", "a")
        .text("p_reason", "r");
    let switch = Call::new("fn_event_type_set_active")
        .text("p_event_type", "process.run.failed")
        .with("p_active", "true")
        .text("p_actor", "a")
        .text("p_reason", "r");
    let gate = Call::gate("iu_core.operator_runtime_enabled", "false");
    for call in [&force, &switch, &gate] {
        rows(&in_flight, &call.sql_in("one")).await;
    }
    execute(&other, "SET lock_timeout = '1ms'").await;
    for call in [&force, &switch, &gate, &Call::pair()] {
        rows(&other, &call.sql_in("two")).await;
    }
    in_flight.commit().await.unwrap();
}

#[on(on_each_version)]
async fn nothing_but_roles_lies_outside_the_schema(backend: Backend) {
    let stage = Stage::empty(backend).await;
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
async fn without_roles_it_works_and_says_loudly_what_that_means(backend: Backend) {
    for may_create_roles in [true, false] {
        let stage = Stage::empty(backend).await;
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
        apply(
            &owner,
            &InstallOptions {
                repair: true,
                ..options
            },
        )
        .await
        .unwrap();
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
    let stage = Stage::empty(backend).await;
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

#[on(on_each_backend)]
async fn eight_installers_of_one_schema_at_once_install_it_once(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let options = options(&stage);
    let mut owners = Vec::new();
    for _ in 0..8 {
        owners.push(stage.installer().await);
    }
    let plans: Vec<Plan> = join_all(owners.iter().map(|owner| apply(owner, &options)))
        .await
        .into_iter()
        .map(|done| done.unwrap_or_else(|error| panic!("{error}")))
        .collect();
    assert_eq!(plans.iter().filter(|plan| plan.is_fresh()).count(), 1);
    assert_eq!(plans.iter().filter(|plan| plan.is_current()).count(), 7);
    works(&owners[0], "dot").await;
}

#[on(on_each_version)]
async fn installers_of_several_schemas_and_databases_at_once_share_their_roles(backend: Backend) {
    // Dropped last: its prefix names the roles of all three.
    let first = Stage::empty(backend).await;
    let (second, third) = (Stage::empty(backend).await, Stage::empty(backend).await);
    let mut clients = Vec::new();
    for stage in [&first, &second, &third] {
        for schema in ["one", "two"] {
            clients.push((
                stage.superuser().await,
                InstallOptions {
                    schema: schema.to_owned(),
                    ..options(&first)
                },
            ));
        }
    }
    for done in join_all(
        clients
            .iter()
            .map(|(client, options)| apply(client, options)),
    )
    .await
    {
        assert!(done.unwrap_or_else(|error| panic!("{error}")).is_fresh());
    }
    for (client, options) in &clients {
        works(client, &options.schema).await;
    }
}

#[on(on_each_version)]
async fn a_schema_that_holds_something_else_is_left_alone(backend: Backend) {
    let stage = Stage::empty(backend).await;
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
    let stage = Stage::empty(backend).await;
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

/// A login of this stage that may only connect.
async fn somebody(stage: &Stage, attributes: &str) -> Client {
    let name = format!("{}_somebody", stage.database().role_prefix());
    execute(
        &stage.superuser().await,
        &format!("CREATE ROLE {name} LOGIN {attributes}"),
    )
    .await;
    stage.database().client_as(&name).await
}

#[on(on_each_version)]
async fn who_may_not_install_is_told_why_before_anything_is_done(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    let stranger = somebody(&stage, "").await;
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
    let stage = Stage::empty(backend).await;
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

#[on(on_each_version)]
async fn a_newer_or_an_edited_installation_is_left_alone(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let (owner, superuser) = (stage.installer().await, stage.superuser().await);
    apply(&owner, &options(&stage)).await.unwrap();
    execute(&superuser, "INSERT INTO dot.dot_contract_migration (name, sha256) VALUES ('9999_from_the_future', 'x')").await;
    let refused = apply(&owner, &options(&stage)).await.unwrap_err();
    assert!(matches!(refused, InstallError::Newer(_)), "{refused}");
    execute(&superuser, "DELETE FROM dot.dot_contract_migration WHERE name LIKE '9999%'; UPDATE dot.dot_contract_migration SET sha256 = 'edited' WHERE name LIKE '0002%'").await;
    let refused = apply(
        &owner,
        &InstallOptions {
            repair: true,
            ..options(&stage)
        },
    )
    .await
    .unwrap_err();
    assert!(
        matches!(refused, InstallError::MigrationChanged(_)),
        "{refused}"
    );
}

#[on(on_each_version)]
async fn a_database_of_another_encoding_is_refused(backend: Backend) {
    let stage = Stage::empty(backend).await;
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

/// The script of an older release that had only the first migrations: their tables, the record of them, and what lets the
/// installing user read it.
fn older_release(script: &str, migrations: usize, options: &InstallOptions) -> String {
    let mut sections = script.split("\n-- sql/");
    let head = sections.next().unwrap();
    let tables: Vec<&str> = sections
        .take_while(|section| section.starts_with("tables/"))
        .collect();
    assert_eq!(tables.len(), files("tables/").len());
    let (_, tail) = script
        .split_once("\n-- What this installation is now")
        .unwrap();
    let tables: String = tables[..migrations]
        .iter()
        .map(|section| format!("\n-- sql/{section}"))
        .collect();
    format!(
        "{head}{tables}\n-- What this installation is now{}",
        tail.replace(&contract_digest(), "of an older release")
    )
}

#[on(on_each_version)]
async fn an_upgrade_from_any_older_release_ends_as_a_fresh_installation(backend: Backend) {
    let expected = fresh_catalogue(backend).await;
    let stage = Stage::empty(backend).await;
    let owner = stage.installer().await;
    for migrations in 0..=files("tables/").len() {
        let options = in_schema(
            &stage,
            [
                "zero", "one", "two", "three", "four", "five", "six", "seven",
            ][migrations],
        );
        let script = plan(&owner, &options).await.unwrap().script();
        owner
            .batch_execute(&older_release(&script, migrations, &options))
            .await
            .unwrap_or_else(|error| panic!("{migrations}: {error:?}"));
        let upgrade = apply(&owner, &options)
            .await
            .unwrap_or_else(|error| panic!("{migrations}: {error}"));
        assert!(
            !upgrade.is_fresh() && upgrade.pending().count() == files("tables/").len() - migrations
        );
        assert_same(
            &catalogue_of(&stage, &options).await,
            &expected,
            &format!("upgraded from {migrations} migrations"),
        );
        works(&owner, &options.schema).await;
        assert!(apply(&owner, &options).await.unwrap().is_current());
    }
}

/// What an older release, or somebody with the owner's rights, may have left otherwise. `ROLE` is the role prefix.
const DIFFERENCES: [&str; 19] = [
    "CREATE OR REPLACE FUNCTION dot.fn_dot_is_blank(p_text text) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
    "CREATE OR REPLACE FUNCTION dot.fn_process_dot_posture() RETURNS text LANGUAGE sql SECURITY INVOKER AS 'SELECT ''REAL_RUN''::text'",
    "ALTER FUNCTION dot.fn_dot_preflight() RESET ALL",
    "ALTER FUNCTION dot.fn_dot_preflight() SECURITY INVOKER",
    "ALTER FUNCTION dot.fn_assert_safe_for_dot_action() SET statement_timeout = '1h'",
    "CREATE OR REPLACE VIEW dot.v_dot_posture AS SELECT 'REAL_RUN'::text AS posture",
    "ALTER VIEW dot.v_dot_gate SET (security_invoker = true)",
    "ALTER TABLE dot.process_run_observation DISABLE TRIGGER ledger_append_only",
    "ALTER TABLE dot.event_outbox ENABLE TRIGGER ledger_append_only",
    "DROP TRIGGER ledger_append_only ON dot.dot_refusal",
    "GRANT EXECUTE ON FUNCTION dot.fn_dot_gate_set(text, text, text, text, timestamptz) TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION dot.fn_dot_gate_set(text, text, text, text, timestamptz) TO \"ROLE_reader\" WITH GRANT OPTION",
    "GRANT INSERT, UPDATE ON dot.process_run_observation TO \"ROLE_observer\"",
    "GRANT SELECT (value), UPDATE (value) ON dot.dot_config TO \"ROLE_reader\"",
    "GRANT ALL ON dot.dot_refusal TO PUBLIC",
    "GRANT CREATE ON SCHEMA dot TO \"ROLE_observer\"",
    "GRANT USAGE ON SEQUENCE dot.event_outbox_seq TO PUBLIC",
    "REVOKE SELECT ON dot.v_process_run FROM \"ROLE_reader\"",
    "REVOKE EXECUTE ON FUNCTION dot.fn_process_pair_observe FROM \"ROLE_observer\"",
];

#[on(on_each_version)]
async fn an_upgrade_puts_back_functions_guards_views_and_grants(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let (owner, superuser, options) = (
        stage.installer().await,
        stage.superuser().await,
        options(&stage),
    );
    apply(&owner, &options).await.unwrap();
    let expected = catalogue_of(&stage, &options).await;
    let mut wrong = Vec::new();
    for difference in DIFFERENCES {
        let difference = difference.replace("ROLE_", &format!("{}_", options.role_prefix));
        execute(&superuser, &format!("SET ROLE {}_owner; {difference}; RESET ROLE; UPDATE dot.dot_contract_release SET digest = 'of an older release'", options.role_prefix)).await;
        assert!(
            catalogue_of(&stage, &options).await != expected,
            "no difference: {difference}"
        );
        let upgrade = apply(&owner, &options)
            .await
            .unwrap_or_else(|error| panic!("{difference}: {error}"));
        assert!(!upgrade.is_current());
        if catalogue_of(&stage, &options).await != expected {
            wrong.push(difference);
            // The next difference starts from a good state again.
            execute(&superuser, "DROP SCHEMA dot CASCADE").await;
            apply(&owner, &options).await.unwrap();
        }
    }
    assert!(wrong.is_empty(), "not put back: {wrong:#?}");
    works(&owner, "dot").await;
}

#[on(on_each_version)]
async fn an_upgrade_takes_back_what_was_granted_to_strangers(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let (owner, superuser, options) = (
        stage.installer().await,
        stage.superuser().await,
        options(&stage),
    );
    apply(&owner, &options).await.unwrap();
    let expected = catalogue_of(&stage, &options).await;
    somebody(&stage, "").await;
    let prefix = &options.role_prefix;
    execute(
        &superuser,
        &format!(
            "SET ROLE {prefix}_owner; GRANT USAGE ON SCHEMA dot TO {prefix}_somebody; GRANT INSERT ON dot.process_run_observation TO {prefix}_somebody;
             GRANT EXECUTE ON FUNCTION dot.fn_dot_gate_set(text, text, text, text, timestamptz) TO {prefix}_somebody; GRANT UPDATE (value) ON dot.dot_config TO {prefix}_somebody"
        ),
    )
    .await;
    apply(
        &owner,
        &InstallOptions {
            repair: true,
            ..options.clone()
        },
    )
    .await
    .unwrap();
    assert_same(
        &catalogue_of(&stage, &options).await,
        &expected,
        "grants to a stranger",
    );
}

#[on(on_each_version)]
async fn an_upgrade_keeps_the_ledger_and_the_settings(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let (owner, superuser, options) = (
        stage.installer().await,
        stage.superuser().await,
        options(&stage),
    );
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
    rows(
        &owner,
        &Call::gate("process_dot_runtime.execute_enabled", "true").sql(),
    )
    .await;
    rows(
        &owner,
        &Call::new("fn_event_type_set_active")
            .text("p_event_type", "process.run.failed")
            .with("p_active", "true")
            .text("p_actor", "a")
            .text("p_reason", "r")
            .sql(),
    )
    .await;
    rows(
        &owner,
        &Call::new("fn_dot_preflight_check_set")
            .text("p_check_name", "gates_malformed")
            .text("p_count_query", "dot.fn_dot_check_malformed_gates")
            .text("p_actor", "a")
            .with("p_enabled", "false")
            .sql(),
    )
    .await;
    execute(
        &superuser,
        "UPDATE dot.dot_contract_release SET digest = 'of an older release'",
    )
    .await;
    let kept = "SELECT (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.process_run_id) FROM dot.process_run_observation t) AS runs, (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.key) FROM dot.dot_config t) AS gates,
        (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.event_type) FROM dot.event_type_registry t) AS types, (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.check_name) FROM dot.dot_preflight_check t) AS checks, (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.dot_code) FROM dot.dot_tools t) AS tools";
    let before = row(&superuser, kept).await;
    assert!(!apply(&owner, &options).await.unwrap().is_current());
    assert_eq!(row(&superuser, kept).await, before);
}

#[on(on_each_version)]
async fn an_upgrade_waits_for_and_loses_no_recording(backend: Backend) {
    let stage = Stage::empty(backend).await;
    let (owner, options) = (stage.installer().await, options(&stage));
    apply(&owner, &options).await.unwrap();
    works(&owner, "dot").await;
    let mut writers = Vec::new();
    for _ in 0..4 {
        writers.push(stage.installer().await);
    }
    let writing = join_all(
        writers
            .iter()
            .enumerate()
            .map(|(number, writer)| async move {
                let mut recorded = 0;
                for round in 0..20 {
                    let call = Call::run()
                        .text("p_correlation_id", &format!("{number} {round}"))
                        .sql();
                    // An upgrade under way may break a call off; it never loses one that was answered.
                    recorded += i64::from(ask(writer, &call).await.is_ok());
                }
                recorded
            }),
    );
    let repair = InstallOptions {
        repair: true,
        ..options
    };
    let (recorded, upgrade) = tokio::join!(writing, apply(&owner, &repair));
    upgrade.unwrap();
    assert_eq!(
        number(&owner, "SELECT count(*) FROM dot.v_process_run").await,
        recorded.iter().sum::<i64>() + 1
    );
    works(&owner, "dot").await;
}

#[on(on_each_version)]
async fn every_function_body_compiles(backend: Backend) {
    let stage = Stage::new(backend).await;
    let superuser = stage.superuser().await;
    execute(&superuser, "SET check_function_bodies = on").await;
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
async fn a_failed_install_leaves_nothing(backend: Backend) {
    let stage = Stage::empty(backend).await;
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
