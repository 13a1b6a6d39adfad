//! Each kind of failure has its own error.

use std::time::Duration;

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{
    CheckDefinition, ConnectionTarget, Error, ErrorClass, RefusalCode, Retry, Wrapper,
    is_unreachable,
};

use crate::support::{builder, call, count, installed, target, wrapper_as};

#[tokio::test]
async fn a_database_that_is_not_there_is_unreachable_and_no_password_is_shown() {
    for address in [
        "postgresql://me:hunter2@localhost/d?host=/nowhere/at/all",
        "host=127.0.0.1 port=1 user=me password=hunter2 dbname=d",
    ] {
        let target = ConnectionTarget::parse(address).unwrap();
        let error = Wrapper::builder().target(target).build().await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        assert_eq!(error.class(), ErrorClass::Unreachable);
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_server_without_that_database_is_unreachable_too() {
    let (database, _wrapper) = installed().await;
    let elsewhere = target(&database, database.owner()).with_database("no_such_database");
    let error = Wrapper::builder()
        .target(elsewhere)
        .build()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("no_such_database"), "{error}");
}

#[tokio::test]
async fn a_database_without_the_contract_says_how_to_get_it() {
    let database = TestDatabase::empty(Version::V15).await;
    let wrapper = builder(&database).build().await.unwrap();
    for error in [
        wrapper.observe_pair(&call()).await.unwrap_err(),
        wrapper.posture().await.unwrap_err(),
        wrapper.tools().await.unwrap_err(),
        builder(&database)
            .schema("public")
            .build()
            .await
            .unwrap()
            .posture()
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::NotInstalled { .. }), "{error:?}");
        assert!(error.to_string().contains("dotwrap install"), "{error}");
    }
}

#[tokio::test]
async fn argument_with_nul_is_refused_before_sending() {
    let (database, wrapper) = installed().await;
    let calls = [
        (call().input_ref("a\0b"), "input_ref"),
        (call().correlation_id("\0"), "correlation_id"),
        (
            call().evidence_ref(serde_json::json!({"a": ["\0"]})),
            "evidence_ref",
        ),
        (
            call().evidence_ref(serde_json::json!({"a\0": 1})),
            "evidence_ref",
        ),
    ];
    for (call, name) in calls {
        let error = wrapper.observe_pair(&call).await.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidText { argument } if argument == name),
            "{error:?}"
        );
        assert_eq!(error.class(), ErrorClass::Argument);
    }
    let client = database.superuser().await;
    assert_eq!(
        count(&client, "SELECT count(*) FROM dot.dot_refusal").await,
        0
    );
}

#[tokio::test]
async fn other_characters_in_text_are_kept() {
    let (_database, wrapper) = installed().await;
    for text in [
        "'; DROP TABLE x; --",
        "\"quoted\" \\ back",
        "日本語 العربية 🦀",
        "{\"a\": \"$1\"}",
        "\u{202e}r\u{7f}",
    ] {
        let call = call()
            .input_ref(text)
            .evidence_ref(serde_json::json!({ text: text }));
        let record = wrapper.observe_pair(&call).await.unwrap();
        let run = wrapper.run(record.process_run_id).await.unwrap().unwrap();
        assert_eq!(run.input_ref.as_deref(), Some(text));
        assert_eq!(run.evidence_ref[text], text);
    }
}

#[tokio::test]
async fn missing_privilege_is_not_permitted() {
    let (database, _wrapper) = installed().await;
    let reader = wrapper_as(&database, "dot_reader").await;
    let error = reader.observe_pair(&call()).await.unwrap_err();
    assert!(matches!(error, Error::NotPermitted { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::NotPermitted);
    let observer = wrapper_as(&database, "dot_observer").await;
    assert!(observer.observe_pair(&call()).await.unwrap().created);
    let setting =
        dotwrap_wrapper::GateSetting::new(dotwrap_wrapper::gate::EXECUTE_ENABLED, true, "x");
    let error = observer.set_gate(&setting).await.unwrap_err();
    assert!(matches!(error, Error::NotPermitted { .. }), "{error:?}");
}

#[tokio::test]
async fn a_check_that_hangs_is_cancelled_and_the_next_call_is_not_held_up() {
    let (database, wrapper) = installed().await;
    let owner = database.owner_client().await;
    owner
        .batch_execute(
            "CREATE FUNCTION public.hangs() RETURNS bigint LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(600); RETURN 0; END $$",
        )
        .await
        .unwrap();
    wrapper
        .set_check(&CheckDefinition::new("hangs", "public.hangs"))
        .await
        .unwrap();
    let hurried = builder(&database)
        .call_timeout(Duration::from_millis(300))
        .connections(1)
        .build()
        .await
        .unwrap();
    // The cancellation reaches the check, which is then one without an answer: the refusal names it.
    let error = hurried.observe_pair(&call()).await.unwrap_err();
    let refusal = error.refusal().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(refusal.code, RefusalCode::PreflightBlocked, "{error:?}");
    assert!(refusal.message.contains("hangs (no answer)"), "{refusal:?}");
    hurried.posture().await.unwrap();
    let superuser = database.superuser().await;
    let hanging = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%fn_process_pair_observe%'";
    assert_eq!(count(&superuser, hanging).await, 0);
    assert_eq!(
        count(
            &superuser,
            "SELECT count(*) FROM dot.process_run_observation"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn driver_errors_follow_the_same_classification() {
    let (database, _wrapper) = installed().await;
    let superuser = database.superuser().await;
    let own = database.owner_client().await;
    let mistake = own.batch_execute("SELECT 1 / 0").await.unwrap_err();
    assert!(!is_unreachable(&mistake), "{mistake:?}");
    let sleeping = own.batch_execute("SELECT pg_sleep(600)");
    let killing = async {
        let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event = 'PgSleep'";
        while count(&superuser, kill).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (killed, ()) = tokio::join!(sleeping, killing);
    let killed = killed.unwrap_err();
    assert_eq!(killed.code().map(|code| code.code()), Some("57P01"));
    assert!(is_unreachable(&killed), "{killed:?}");
    while !own.is_closed() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let closed = own.batch_execute("SELECT 1").await.unwrap_err();
    assert!(is_unreachable(&closed), "{closed:?}");
}

#[tokio::test]
async fn dropped_call_is_cancelled_and_frees_its_connection() {
    let (database, wrapper) = installed().await;
    let owner = database.owner_client().await;
    owner
        .batch_execute(
            "CREATE FUNCTION public.hangs() RETURNS bigint LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep(600); RETURN 0; END $$",
        )
        .await
        .unwrap();
    wrapper
        .set_check(&CheckDefinition::new("hangs", "public.hangs"))
        .await
        .unwrap();
    let narrow = builder(&database).connections(1).build().await.unwrap();
    let given_up = tokio::spawn({
        let narrow = narrow.clone();
        async move { narrow.observe_pair(&call()).await }
    });
    let superuser = database.superuser().await;
    let sleeping = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event = 'PgSleep'";
    while count(&superuser, sleeping).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    given_up.abort();
    narrow.posture().await.unwrap();
    // It would sleep for ten minutes.
    while count(&superuser, sleeping).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn lost_connection_is_retried_for_idempotent_calls() {
    let (database, _wrapper) = installed().await;
    let patient = builder(&database)
        .connections(1)
        .retry(Retry::idempotent_calls(3, Duration::from_millis(20)))
        .build()
        .await
        .unwrap();
    let superuser = database.superuser().await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'dotwrap'";
    for round in 0..5 {
        let keyed = call().idempotency_key(format!("key-{round}"));
        patient.observe_pair(&keyed).await.unwrap();
        count(&superuser, kill).await;
        assert!(!patient.observe_pair(&keyed).await.unwrap().created);
    }
}

#[tokio::test]
async fn exhausted_pool_is_reported() {
    let (database, wrapper) = installed().await;
    let owner = database.owner_client().await;
    owner
        .batch_execute(
            "CREATE FUNCTION public.waits() RETURNS bigint LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN 0; END $$",
        )
        .await
        .unwrap();
    wrapper
        .set_check(&CheckDefinition::new("waits", "public.waits"))
        .await
        .unwrap();
    let blocker = database.superuser().await;
    blocker
        .batch_execute("SELECT pg_advisory_lock(4711)")
        .await
        .unwrap();
    let narrow = builder(&database)
        .connections(1)
        .pool_wait(Duration::from_millis(100))
        .build()
        .await
        .unwrap();
    let busy = tokio::spawn({
        let narrow = narrow.clone();
        async move { narrow.observe_pair(&call()).await }
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while count(&blocker, waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = narrow.posture().await.unwrap_err();
    assert!(matches!(error, Error::PoolExhausted { .. }), "{error:?}");
    blocker
        .batch_execute("SELECT pg_advisory_unlock(4711)")
        .await
        .unwrap();
    assert!(busy.await.unwrap().unwrap().created);
}

/// A schema whose functions raise what a test wants to see understood.
async fn raising(statement: &str) -> (TestDatabase, Wrapper) {
    let database = TestDatabase::empty(Version::V15).await;
    let owner = database.owner_client().await;
    owner
        .batch_execute(&format!(
            "CREATE SCHEMA raising;
             CREATE FUNCTION raising.fn_process_dot_posture() RETURNS text LANGUAGE plpgsql AS
             $$ BEGIN {statement} RETURN 'NO_EXECUTE'; END $$"
        ))
        .await
        .unwrap();
    let wrapper = builder(&database).schema("raising").build().await.unwrap();
    (database, wrapper)
}

#[tokio::test]
async fn refusal_is_parsed_from_detail_without_constraint() {
    let (_database, wrapper) = raising(
        "RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'held',
         DETAIL = '{\"code\": \"lease_held\", \"lease_name\": \"x\"}', HINT = 'wait';",
    )
    .await;
    let error = wrapper.posture().await.unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.code, RefusalCode::LeaseHeld);
    assert_eq!(refusal.detail["lease_name"], "x");
    assert_eq!(refusal.hint.as_deref(), Some("wait"));
    assert_eq!(error.class(), ErrorClass::Lease);
}

#[tokio::test]
async fn a_tables_own_constraint_is_no_refusal() {
    let (_database, wrapper) = raising(
        "RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'no', CONSTRAINT = 'dot_tools_tier_check';",
    )
    .await;
    let error = wrapper.posture().await.unwrap_err();
    assert!(
        matches!(&error, Error::Database { sqlstate: Some(state), .. } if state == "23514"),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Internal);
}

#[tokio::test]
async fn a_refusal_of_a_newer_contract_is_still_a_refusal() {
    let (_database, wrapper) = raising(
        "RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'no', CONSTRAINT = 'moon_phase_wrong',
         DETAIL = '{\"code\": \"moon_phase_wrong\"}';",
    )
    .await;
    let error = wrapper.posture().await.unwrap_err();
    assert_eq!(
        error.refusal().unwrap().code,
        RefusalCode::Other("moon_phase_wrong".to_owned())
    );
    assert_eq!(error.class(), ErrorClass::Blocked);
}

#[tokio::test]
async fn a_function_that_is_missing_inside_another_is_not_a_missing_contract() {
    let (_database, wrapper) = raising("PERFORM no_such_function();").await;
    let error = wrapper.posture().await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
}

#[tokio::test]
async fn a_posture_that_this_client_does_not_know_is_an_error_that_names_it() {
    let (_database, wrapper) = raising("RETURN 'HALF_OPEN';").await;
    let error = wrapper.posture().await.unwrap_err();
    assert!(matches!(error, Error::Answer(_)), "{error:?}");
    assert!(error.to_string().contains("HALF_OPEN"), "{error}");
}

#[tokio::test]
async fn a_schema_name_is_quoted_and_never_run() {
    let (database, _wrapper) = installed().await;
    let name = "dot\".fn_process_dot_posture() --";
    let wrapper = builder(&database).schema(name).build().await.unwrap();
    let error = wrapper.posture().await.unwrap_err();
    assert!(matches!(error, Error::NotInstalled { .. }), "{error:?}");
}

/// The system refuses who would have to wait to be accepted (`EAGAIN`): the server is there, and has no room.
#[tokio::test]
async fn a_socket_with_too_many_that_wait_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".s.PGSQL.5432");
    let server = tokio::net::UnixSocket::new_stream().unwrap();
    server.bind(&path).unwrap();
    let _server = server.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::net::UnixStream::connect(&path).await {
        waiting.push(stream);
    }
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(folder.path())
        .port(5432)
        .user("nobody")
        .password("none")
        .dbname("nothing");
    let target = dotwrap_wrapper::ConnectionTarget::for_socket(config).unwrap();
    let error = dotwrap_wrapper::connect(&target).await.unwrap_err();
    assert!(matches!(error, Error::NoSlot { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Lease);
}
