//! Refusals are recorded and always returned.

use std::collections::BTreeMap;

use dotwrap_testkit::{Relay, TestDatabase, Version};
use dotwrap_wrapper::{BeginCall, ConnectionTarget, Error, EvidenceType, RefusalCode, RefusalKind};

use crate::support::{CANDIDATE, PRODUCER, builder, call, code, installed};

#[tokio::test]
async fn refused_pair_writes_one_refusal_row() {
    let (_database, wrapper) = installed().await;
    let refused = call()
        .correlation_id("corr-1")
        .actor("ana")
        .evidence_type(dotwrap_wrapper::EvidenceType::DryRun);
    assert_eq!(
        code(wrapper.observe_pair(&refused).await),
        RefusalCode::NoExecute
    );
    let rows = wrapper.refusals(10).await.unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(row.refusal_code, "no_execute");
    assert_eq!(row.actor.as_deref(), Some("ana"));
    assert_eq!(row.dot_code.as_deref(), Some(PRODUCER));
    assert_eq!(row.process_candidate_code.as_deref(), Some(CANDIDATE));
    assert_eq!(row.correlation_id.as_deref(), Some("corr-1"));
    assert_eq!(row.posture, "NO_EXECUTE");
    assert_eq!(row.detail["code"], "no_execute");
    assert!(
        wrapper
            .runs(&Default::default(), 10)
            .await
            .unwrap()
            .runs
            .is_empty()
    );
}

/// The call, and the record of its refusal.
#[tokio::test]
async fn refusal_costs_two_round_trips() {
    let (database, _wrapper) = installed().await;
    let url = database.url_as(database.owner());
    let (address, server) = url.split_once("host=").unwrap();
    let socket = std::path::Path::new(server).join(".s.PGSQL.5432");
    let relay = Relay::before(socket).unwrap();
    let relayed = format!("{address}host={}", relay.folder().display());
    let target = ConnectionTarget::parse(&relayed).unwrap();
    let wrapper = builder(&database).target(target).build().await.unwrap();
    // The connection is made.
    wrapper.posture().await.unwrap();
    let before = relay.waits();
    let pair = call().evidence_type(EvidenceType::DryRun);
    assert_eq!(
        code(wrapper.observe_pair(&pair).await),
        RefusalCode::NoExecute
    );
    assert_eq!(relay.waits() - before, 2);
    let run = BeginCall::new(PRODUCER, CANDIDATE, EvidenceType::RealRun, "runner 1");
    let before = relay.waits();
    let refused = wrapper.begin_run(&run).await.map(drop);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert_eq!(relay.waits() - before, 2);
}

#[tokio::test]
async fn refused_step_writes_one_refusal_row() {
    let (_database, wrapper) = installed().await;
    let refused = call()
        .evidence_type(dotwrap_wrapper::EvidenceType::RealRun)
        .dry_run(false);
    assert_eq!(
        code(wrapper.enter(refused).await),
        RefusalCode::RealRunDisabled
    );
    let minute = std::time::Duration::from_secs(60);
    let held = wrapper
        .enter(call())
        .await
        .unwrap()
        .acquire_lease(minute)
        .await
        .unwrap();
    let second = wrapper
        .enter(call())
        .await
        .unwrap()
        .acquire_lease(minute)
        .await;
    assert_eq!(code(second), RefusalCode::LeaseHeld);
    held.abandon().await.unwrap();
    let keyed = call().idempotency_key("key-1");
    wrapper.observe_pair(&keyed).await.unwrap();
    let conflicting = keyed.correlation_id("another");
    let leased = wrapper
        .enter(conflicting)
        .await
        .unwrap()
        .acquire_lease(minute)
        .await
        .unwrap();
    assert_eq!(
        code(leased.observe_run().await),
        RefusalCode::IdempotencyConflict
    );
    let rows = wrapper.refusals(10).await.unwrap();
    let codes: Vec<_> = rows.iter().map(|row| row.refusal_code.as_str()).collect();
    assert_eq!(
        codes,
        ["idempotency_conflict", "lease_held", "real_run_disabled"]
    );
}

#[tokio::test]
async fn the_newest_refusal_comes_first() {
    let (_database, wrapper) = installed().await;
    for correlation in ["1", "2", "3"] {
        let refused = call().actor(" ").correlation_id(correlation);
        assert_eq!(
            code(wrapper.observe_pair(&refused).await),
            RefusalCode::ActorRequired
        );
    }
    let rows = wrapper.refusals(2).await.unwrap();
    let correlations: Vec<_> = rows
        .iter()
        .filter_map(|row| row.correlation_id.as_deref())
        .collect();
    assert_eq!(correlations, ["3", "2"]);
}

#[tokio::test]
async fn refusal_recording_can_be_disabled() {
    let (database, wrapper) = installed().await;
    let silent = builder(&database)
        .record_refusals(false)
        .build()
        .await
        .unwrap();
    assert_eq!(
        code(silent.observe_pair(&call().actor(" ")).await),
        RefusalCode::ActorRequired
    );
    assert!(wrapper.refusals(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_with_an_over_long_text_is_recorded_all_the_same() {
    let (_database, wrapper) = installed().await;
    let refused = call().correlation_id("x".repeat(1 << 20));
    assert_eq!(
        code(wrapper.observe_pair(&refused).await),
        RefusalCode::TextTooLong
    );
    let rows = wrapper.refusals(10).await.unwrap();
    assert_eq!(rows[0].correlation_id.as_ref().unwrap().len(), 500);
}

#[tokio::test]
async fn a_refusal_that_cannot_be_recorded_is_returned_all_the_same() {
    let database = TestDatabase::empty(Version::V15).await;
    let owner = database.owner_client().await;
    owner
        .batch_execute(
            "CREATE SCHEMA half;
             CREATE FUNCTION half.fn_process_backfill(p_rows jsonb, p_actor text, p_source_ref text, p_source_sha256 text)
             RETURNS bigint LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION USING ERRCODE = '23514', MESSAGE = 'no', CONSTRAINT = 'source_required'; END $$",
        )
        .await
        .unwrap();
    let wrapper = builder(&database).schema("half").build().await.unwrap();
    let source = dotwrap_wrapper::BackfillSource {
        source_ref: String::new(),
        source_sha256: String::new(),
    };
    let error = wrapper.backfill(source, None).finish().await.unwrap_err();
    assert!(
        matches!(&error, Error::Refused(refusal) if refusal.code == RefusalCode::SourceRequired),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refusal_beyond_those_that_are_kept_of_a_login_is_returned_all_the_same() {
    let (_database, wrapper) = installed().await;
    for _ in 0..1001 {
        let refused = wrapper.observe_pair(&call().actor(" ")).await;
        assert_eq!(code(refused), RefusalCode::ActorRequired);
    }
    assert_eq!(wrapper.refusals(2000).await.unwrap().len(), 1000);
}

#[tokio::test]
async fn the_enum_and_the_contracts_catalogue_are_the_same() {
    let (_database, wrapper) = installed().await;
    let catalogue: BTreeMap<String, (String, String)> = wrapper
        .refusal_catalogue()
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.code, (entry.sqlstate, entry.kind)))
        .collect();
    let known: BTreeMap<String, (String, String)> = RefusalCode::from_code()
        .map(|code| {
            let sqlstate = match code.kind() {
                _ if code == RefusalCode::LoginMismatch => "42501",
                _ if code == RefusalCode::SnapshotTooOld => "40001",
                RefusalKind::Argument | RefusalKind::Blocked => "23514",
                RefusalKind::Conflict => "23505",
                RefusalKind::Lease => "55P03",
            };
            let kind = code.kind().as_ref().to_owned();
            (code.to_string(), (sqlstate.to_owned(), kind))
        })
        .collect();
    assert_eq!(known, catalogue);
}
