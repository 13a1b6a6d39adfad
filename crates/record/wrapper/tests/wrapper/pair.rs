//! The pair in one call.

use dotwrap_wrapper::{
    ComponentRole, EvidenceType, ProcessRunId, RefusalCode, StoredStatus, WrapperStatus,
};

use crate::support::{CANDIDATE, PRODUCER, VERIFIER, builder, call, code, installed, row_count};

#[tokio::test]
async fn a_pair_becomes_a_header_and_two_components_of_one_correlation() {
    let (_database, wrapper) = installed().await;
    let call = call()
        .correlation_id("corr-1")
        .input_ref("s3://in")
        .output_ref("s3://out");
    let record = wrapper.observe_pair(&call).await.unwrap();
    assert!(record.created);
    assert_eq!(record.status, StoredStatus::Completed);
    assert_eq!(record.evidence_type, EvidenceType::SimulatedDryRun);
    assert_eq!(record.output_ref.as_deref(), Some("s3://out"));
    assert_eq!(record.events_emitted, 0);

    let run = wrapper.run(record.process_run_id).await.unwrap().unwrap();
    assert_eq!(run.process_candidate_code.as_str(), CANDIDATE);
    assert_eq!(run.correlation_id.as_str(), "corr-1");
    assert_eq!(run.actor.as_str(), "tester");
    assert_eq!(run.input_ref.as_deref(), Some("s3://in"));
    assert_eq!(
        run.producer_component_run_id,
        record.producer_component_run_id
    );
    assert_eq!(
        run.verifier_component_run_id,
        record.verifier_component_run_id
    );
    assert_eq!(run.evidence_ref["no_execute"], true);

    let components = wrapper.components_of(record.process_run_id).await.unwrap();
    let parts: Vec<_> = components
        .iter()
        .map(|part| {
            (
                part.component_role,
                part.dot_code.as_str(),
                part.correlation_id.as_str(),
            )
        })
        .collect();
    assert_eq!(
        parts,
        [
            (ComponentRole::Producer, PRODUCER, "corr-1"),
            (ComponentRole::Verifier, VERIFIER, "corr-1")
        ]
    );
}

#[tokio::test]
async fn repeated_key_returns_the_first_run_and_writes_no_row() {
    let (database, wrapper) = installed().await;
    let call = call().idempotency_key("key-1");
    let first = wrapper.observe_pair(&call).await.unwrap();
    let again = wrapper.observe_pair(&call).await.unwrap();
    assert!(first.created);
    assert!(!again.created);
    assert_eq!(again.process_run_id, first.process_run_id);
    assert_eq!(
        again.producer_component_run_id,
        first.producer_component_run_id
    );
    assert_eq!(
        again.verifier_component_run_id,
        first.verifier_component_run_id
    );
    assert_eq!(again.correlation_id, first.correlation_id);
    assert_eq!(again.status, first.status);
    let client = database.superuser().await;
    assert_eq!(row_count(&client, "process_run_observation").await, 1);
    assert_eq!(row_count(&client, "process_component_observation").await, 2);
}

#[tokio::test]
async fn key_reused_with_other_arguments_is_a_conflict() {
    let (_database, wrapper) = installed().await;
    let mine = call().idempotency_key("key-1");
    wrapper.observe_pair(&mine).await.unwrap();
    let mut other_candidate = mine.clone();
    other_candidate.process_candidate_code = "PROC-CAND:other".into();
    let other_correlation = mine.clone().correlation_id("another");
    assert_eq!(
        code(wrapper.observe_pair(&other_candidate).await),
        RefusalCode::IdempotencyConflict
    );
    assert_eq!(
        code(wrapper.observe_pair(&other_correlation).await),
        RefusalCode::IdempotencyConflict
    );
}

#[tokio::test]
async fn key_of_a_header_without_components_returns_the_header() {
    let (_database, wrapper) = installed().await;
    let header = dotwrap_wrapper::HeaderCall::new(CANDIDATE)
        .dot_code(PRODUCER)
        .status(StoredStatus::Started)
        .idempotency_key("key-1");
    let header = wrapper.observe_run(&header).await.unwrap();
    let record = wrapper
        .observe_pair(&call().idempotency_key("key-1"))
        .await
        .unwrap();
    assert!(!record.created);
    assert_eq!(record.process_run_id, header.process_run_id);
    assert_eq!(record.status, StoredStatus::Started);
    assert_eq!(record.producer_component_run_id, None);
    assert_eq!(record.verifier_component_run_id, None);
}

#[tokio::test]
async fn a_run_id_that_is_taken_is_refused_without_its_key() {
    let (_database, wrapper) = installed().await;
    let call = call().process_run_id(ProcessRunId::mint());
    let first = wrapper.observe_pair(&call).await.unwrap();
    assert_eq!(Some(first.process_run_id), call.process_run_id);
    assert_eq!(
        code(wrapper.observe_pair(&call).await),
        RefusalCode::IdInUse
    );
}

#[tokio::test]
async fn missing_actor_is_refused() {
    let (database, _wrapper) = installed().await;
    let nobody = dotwrap_wrapper::Wrapper::builder()
        .target(crate::support::target(&database, database.owner()))
        .build()
        .await
        .unwrap();
    assert_eq!(
        code(nobody.observe_pair(&call()).await),
        RefusalCode::ActorRequired
    );
    let named = call().actor("ana");
    let record = nobody.observe_pair(&named).await.unwrap();
    let run = nobody.run(record.process_run_id).await.unwrap().unwrap();
    assert_eq!(run.actor.as_str(), "ana");
}

#[tokio::test]
async fn many_pairs_keep_being_recorded_in_a_ledger_that_is_not_empty() {
    let (database, wrapper) = installed().await;
    for _ in 0..5 {
        assert!(wrapper.observe_pair(&call()).await.unwrap().created);
    }
    let client = database.superuser().await;
    assert_eq!(
        row_count(&client, "process_component_observation").await,
        10
    );
}

#[tokio::test]
async fn prepared_statements_give_the_same_record() {
    let (database, _wrapper) = installed().await;
    let prepared = builder(&database)
        .prepared_statements(true)
        .connections(1)
        .build()
        .await
        .unwrap();
    for status in [
        WrapperStatus::Completed,
        WrapperStatus::Prepared,
        WrapperStatus::Completed,
    ] {
        let record = prepared
            .observe_pair(&call().wrapper_status(status))
            .await
            .unwrap();
        let expected = status.stored(EvidenceType::SimulatedDryRun);
        assert_eq!(record.status, expected.header);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_one_key_at_once_get_one_run() {
    let (database, wrapper) = installed().await;
    let call = call().idempotency_key("key-1");
    let calls = (0..16).map(|_| {
        let (wrapper, call) = (wrapper.clone(), call.clone());
        tokio::spawn(async move { wrapper.observe_pair(&call).await.unwrap() })
    });
    let mut created = 0;
    let mut runs = Vec::new();
    for outcome in calls.collect::<Vec<_>>() {
        let record = outcome.await.unwrap();
        created += i32::from(record.created);
        runs.push(record.process_run_id);
    }
    runs.dedup();
    assert_eq!((created, runs.len()), (1, 1));
    let client = database.superuser().await;
    assert_eq!(row_count(&client, "process_run_observation").await, 1);
}
