//! The verifier's access: roles, schemas, poolers, and session state.

use dotwrap_contract::{InstallOptions, RolePolicy, apply};
use dotwrap_testkit::{Pooler, TestDatabase, Version};
use dotwrap_verify::{Severity, VerifyError, VerifyOptions, verify};

use crate::support::{each_on_its_own, findings, judge, used_ledger};

#[tokio::test]
async fn missing_table_privilege_names_the_required_role() {
    let database = TestDatabase::create(Version::V15).await;
    for role in [
        "dot_reader",
        "dot_observer",
        "dot_runner",
        "dot_operator",
        "dot_relay",
    ] {
        let mut client = database.client_as(role).await;
        let error = verify(&mut client, &VerifyOptions::default())
            .await
            .unwrap_err();
        let said = error.to_string();
        assert!(
            matches!(error, VerifyError::MissingRight { .. }),
            "{role}: {error:?}"
        );
        assert!(
            said.ends_with("connect as a member of dot_archiver"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn the_installing_user_is_such_a_member() {
    for version in Version::ALL {
        let database = TestDatabase::create(version).await;
        let mut owner = database.owner_client().await;
        let report = verify(&mut owner, &VerifyOptions::default()).await.unwrap();
        assert!(report.is_clean());
    }
}

#[tokio::test]
async fn missing_installation_is_an_error() {
    let database = TestDatabase::create(Version::V15).await;
    let mut client = database.superuser().await;
    let options = VerifyOptions {
        schema: "elsewhere".to_owned(),
        ..VerifyOptions::default()
    };
    let error = verify(&mut client, &options).await.unwrap_err();
    let VerifyError::NotInstalled { schema, missing } = error else {
        panic!("{error:?}");
    };
    assert_eq!(schema, "elsewhere");
    assert!(missing.contains(&"process_run_observation".to_owned()));
}

#[tokio::test]
async fn a_ledger_without_one_of_its_tables_is_not_judged() {
    let database = TestDatabase::create(Version::V15).await;
    let mut client = database.superuser().await;
    each_on_its_own(&client, "DROP TABLE dot.process_run_conclusion CASCADE").await;
    let error = verify(&mut client, &VerifyOptions::default())
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(said.ends_with("missing process_run_conclusion"), "{said}");
}

#[tokio::test]
async fn an_installation_in_any_schema_under_any_prefix_is_judged() {
    let database = TestDatabase::empty(Version::V18).await;
    let schema = r#"Team "7"; é"#;
    let install = InstallOptions {
        schema: schema.to_owned(),
        role_prefix: database.role_prefix().to_owned(),
        ..InstallOptions::default()
    };
    let mut owner = database.owner_client().await;
    apply(&owner, &install).await.unwrap();
    let options = VerifyOptions {
        schema: schema.to_owned(),
        ..VerifyOptions::default()
    };
    let report = verify(&mut owner, &options).await.unwrap();
    assert!(findings(&report).is_empty(), "{:#?}", findings(&report));

    let reader = format!("{}_reader", database.role_prefix());
    let error = verify(&mut database.client_as(&reader).await, &options).await;
    let said = error.unwrap_err().to_string();
    let archiver = format!("connect as a member of {}_archiver", database.role_prefix());
    assert!(said.ends_with(&archiver), "{said}");
}

#[tokio::test]
async fn an_installation_without_roles_is_judged() {
    for version in Version::ALL {
        let database = TestDatabase::empty(version).await;
        let install = InstallOptions {
            roles: RolePolicy::Without,
            ..InstallOptions::default()
        };
        let mut owner = database.owner_client().await;
        apply(&owner, &install).await.unwrap();
        let report = verify(&mut owner, &VerifyOptions::default()).await.unwrap();
        assert!(findings(&report).is_empty(), "{:#?}", findings(&report));
    }
}

#[tokio::test]
async fn it_judges_through_a_pooler_and_leaves_no_setting_behind() {
    let database = used_ledger(Version::V15).await;
    let pooler = Pooler::transaction_mode(&database).await;
    let mut client = pooler.client_as("dot_archiver").await;
    for _ in 0..3 {
        let report = verify(&mut client, &VerifyOptions::default())
            .await
            .unwrap();
        assert!(report.is_clean(), "{:#?}", findings(&report));
    }
    let settings = "SELECT current_setting('search_path'), current_setting('transaction_isolation'), current_setting('jit') = boot_val FROM pg_settings WHERE name = 'jit'";
    let row = client.query_typed(settings, &[]).await.unwrap();
    assert_eq!(row[0].get::<_, &str>(0), "\"$user\", public");
    assert_eq!(row[0].get::<_, &str>(1), "read committed");
    assert!(row[0].get::<_, bool>(2));
}

#[tokio::test]
async fn dropping_the_question_gives_the_session_back() {
    let database = used_ledger(Version::V15).await;
    let mut client = database.client_as("dot_archiver").await;
    let options = VerifyOptions::default();
    {
        let mut asking = std::pin::pin!(verify(&mut client, &options));
        // Polled once: the transaction is under way.
        tokio::select! { biased; _ = &mut asking => panic!("answered at once"), () = std::future::ready(()) => {} }
    }
    let row = client
        .query_one("SHOW transaction_read_only", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "off");
    assert!(verify(&mut client, &options).await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verification_reads_one_snapshot_during_writes() {
    let database = used_ledger(Version::V18).await;
    let writer = database.client_as("dot_observer").await;
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let writing = tokio::spawn(async move {
        let mut written = 0_u32;
        while stopped.try_recv().is_err() {
            let pair = "SELECT dot.fn_process_pair_observe('PACK', 'PROC:pack', 'busy', 'ann')";
            writer.batch_execute(pair).await.unwrap();
            written += 1;
        }
        written
    });
    for _ in 0..5 {
        let report = judge(&database).await;
        assert!(report.is_clean(), "{:#?}", findings(&report));
    }
    stop.send(()).unwrap();
    assert!(writing.await.unwrap() > 0);
}

#[tokio::test]
async fn all_findings_are_counted_and_a_sample_is_named() {
    let database = used_ledger(Version::V15).await;
    let lie = "UPDATE dot.process_component_observation SET correlation_id = 'one for all'";
    each_on_its_own(&database.superuser().await, lie).await;
    let mut archiver = database.client_as("dot_archiver").await;
    let options = VerifyOptions {
        sample: 3,
        ..VerifyOptions::default()
    };
    let report = verify(&mut archiver, &options).await.unwrap();
    let check = report
        .failed()
        .find(|check| check.name == "component_agrees_with_its_run")
        .unwrap();
    assert_eq!(check.violations.len(), 3);
    let components = "SELECT count(*) FROM dot.process_component_observation";
    let components: i64 = archiver.query_one(components, &[]).await.unwrap().get(0);
    assert_eq!(check.count, components.unsigned_abs());
    assert!(report.violations() >= check.count);
}

#[tokio::test]
async fn a_warning_is_counted_but_breaks_no_rule() {
    let database = used_ledger(Version::V15).await;
    let tag = r#"UPDATE dot.process_run_observation SET evidence_ref = evidence_ref || '{"skipped": true}' WHERE process_run_id = '{stepwise}'"#;
    each_on_its_own(&database.superuser().await, tag).await;
    let report = judge(&database).await;
    assert!(report.is_clean());
    assert_eq!((report.violations(), report.warnings()), (0, 1));
    let check = report.failed().next().unwrap();
    assert_eq!(check.severity, Severity::Warning);
    let json = serde_json::to_value(check).unwrap();
    assert_eq!(json["name"], "tags_fit_the_status");
    assert_eq!(json["severity"], "warning");
    assert_eq!(json["count"], 1);
    assert_eq!(
        json["violations"][0]["what"],
        "tagged skipped, but completed and SIMULATED_DRY_RUN"
    );
}
