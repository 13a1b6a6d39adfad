//! Several installations in one cluster, and concurrent installers.

use dotwrap_contract::{InstallOptions, Plan, apply};
use futures_util::future::join_all;
use rstest_reuse::apply as on;

use super::{in_schema, options, repairing, works};
use crate::common::backend::{on_each_backend, on_each_version};
use crate::common::fixtures::PRODUCER;
use crate::common::{Backend, Call, TestContext, execute, row, rows, value};

#[on(on_each_version)]
async fn two_installations_of_one_database_do_not_see_each_other(backend: Backend) {
    let stage = TestContext::empty(backend).await;
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

#[on(on_each_backend)]
async fn concurrent_installers_of_one_schema_install_once(backend: Backend) {
    let stage = TestContext::empty(backend).await;
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
    let first = TestContext::empty(backend).await;
    let (second, third) = (
        TestContext::empty(backend).await,
        TestContext::empty(backend).await,
    );
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

/// A transaction that idles after it read a view blocks an upgrade but no other session: a gate can be closed
/// meanwhile.
#[on(on_each_version)]
async fn installer_waiting_for_a_lock_blocks_no_other_session(backend: Backend) {
    let stage = TestContext::empty(backend).await;
    let (owner, operator, reader) = (
        stage.installer().await,
        stage.installer().await,
        stage.installer().await,
    );
    let options = options(&stage);
    apply(&owner, &options).await.unwrap();
    execute(&reader, "BEGIN").await;
    rows(&reader, "SELECT * FROM dot.v_dot_gate").await;
    let repair = repairing(&options);
    let others = async {
        for value in ["true", "false", "true", "false"] {
            let gate = Call::gate("iu_core.operator_runtime_enabled", value);
            rows(&operator, &gate.sql()).await;
        }
        execute(&reader, "ROLLBACK").await;
    };
    let (upgraded, ()) = tokio::join!(apply(&owner, &repair), others);
    upgraded.unwrap();
    works(&owner, "dot").await;
}
