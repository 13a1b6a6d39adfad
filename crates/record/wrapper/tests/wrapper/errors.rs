//! Each kind of failure has its own error.

use std::time::Duration;

use dotwrap_testkit::{TestDatabase, Version};
use dotwrap_wrapper::{ConnectionTarget, Error, ErrorClass, Wrapper, is_unreachable};

use crate::support::{builder, call, installed, row_count, target, until, wrapper_as};

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
    assert_eq!(row_count(&client, "dot_refusal").await, 0);
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
async fn driver_errors_follow_the_same_classification() {
    let (database, _wrapper) = installed().await;
    let superuser = database.superuser().await;
    let own = database.owner_client().await;
    let mistake = own.batch_execute("SELECT 1 / 0").await.unwrap_err();
    assert!(!is_unreachable(&mistake), "{mistake:?}");
    let sleeping = own.batch_execute("SELECT pg_sleep(600)");
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'PgSleep'";
    let killing = until(&superuser, kill, |killed| killed > 0);
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
async fn a_schema_name_is_quoted_and_never_run() {
    let (database, _wrapper) = installed().await;
    let name = "dot\".fn_process_dot_posture() --";
    let wrapper = builder(&database).schema(name).build().await.unwrap();
    let error = wrapper.posture().await.unwrap_err();
    assert!(matches!(error, Error::NotInstalled { .. }), "{error:?}");
}

/// With a full accept queue, connect(2) fails with `EAGAIN`: the server is there, and has no free slot.
#[tokio::test]
async fn full_accept_queue_of_a_socket_is_busy() {
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
