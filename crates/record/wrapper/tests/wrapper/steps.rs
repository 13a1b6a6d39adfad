//! The pair layer by layer.

use std::time::Duration;

use dotwrap_wrapper::{
    ComponentRole, Error, Lease, LeaseState, PairCall, PairRecord, ProcessRunId, RefusalCode,
    Wrapper, WrapperStatus,
};
use serde_json::Value as Json;
use strum::VariantArray;

use crate::support::{PRODUCER, VERIFIER, call, code, finish_steps, installed};

const TTL: Duration = Duration::from_secs(60);

async fn step_by_step(wrapper: &Wrapper, call: PairCall) -> Result<PairRecord, Error> {
    let leased = wrapper.enter(call).await?.acquire_lease(TTL).await?;
    let released = finish_steps(leased).await?;
    assert!(released.held_throughout);
    Ok(released.record)
}

/// What is stored of a run, without what has to differ from run to run.
async fn stored(wrapper: &Wrapper, run: ProcessRunId) -> Json {
    let header = wrapper.run(run).await.unwrap().unwrap();
    let components = wrapper.components_of(run).await.unwrap();
    let mut rows = vec![serde_json::to_value(&header).unwrap()];
    rows.extend(
        components
            .iter()
            .map(|row| serde_json::to_value(row).unwrap()),
    );
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        for (name, value) in row.iter_mut() {
            let is_moment = name.ends_with("_at") || name == "duration" || name == "age";
            if (is_moment || name.ends_with("_run_id"))
                && !value.is_null()
                && name != "parent_run_id"
            {
                *value = "differs".into();
            }
        }
    }
    Json::Array(rows)
}

#[tokio::test]
async fn steps_store_the_same_rows_as_the_pair_call() {
    let (_database, wrapper) = installed().await;
    let parent = wrapper.observe_pair(&call()).await.unwrap().process_run_id;
    for &status in WrapperStatus::VARIANTS {
        let call = call()
            .wrapper_status(status)
            .correlation_id(format!("corr-{status}"))
            .parent_run_id(parent)
            .input_ref("in")
            .output_ref("out")
            .error_ref("err")
            .evidence_ref(
                serde_json::json!({"mine": 1, "actor": "somebody else", "skipped": "no"}),
            );
        let one_call = wrapper.observe_pair(&call).await.unwrap();
        let steps = step_by_step(&wrapper, call).await.unwrap();
        assert_eq!(
            stored(&wrapper, steps.process_run_id).await,
            stored(&wrapper, one_call.process_run_id).await,
            "{status}"
        );
        assert_eq!(steps.status, one_call.status);
        assert_eq!(steps.evidence_type, one_call.evidence_type);
        assert_eq!(steps.output_ref, one_call.output_ref);
        assert_eq!(steps.error_ref, one_call.error_ref);
        assert_eq!(steps.events_emitted, one_call.events_emitted);
        assert!(steps.created);
    }
}

#[tokio::test]
async fn steps_emit_the_same_events_as_the_pair_call() {
    let (_database, wrapper) = installed().await;
    for event_type in wrapper.event_types().await.unwrap() {
        wrapper
            .set_event_type_active(&event_type.event_type, true, None, "a test")
            .await
            .unwrap();
    }
    let one_call = wrapper.observe_pair(&call()).await.unwrap();
    let steps = step_by_step(&wrapper, call()).await.unwrap();
    let mut types = Vec::new();
    for run in [one_call.process_run_id, steps.process_run_id] {
        let events = wrapper.events_of_run(run).await.unwrap();
        types.push(
            events
                .into_iter()
                .map(|event| event.event_type)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(types[0], types[1]);
    assert_eq!(
        types[0],
        [
            "process.run.completed",
            "process.step.completed",
            "process.step.completed"
        ]
    );
    assert_eq!(steps.events_emitted, one_call.events_emitted);
}

#[tokio::test]
async fn repeated_key_returns_the_first_ids_by_steps_and_by_pair_call() {
    let (_database, wrapper) = installed().await;
    let keyed = call().idempotency_key("key-1");
    let first = step_by_step(&wrapper, keyed.clone()).await.unwrap();
    let again = step_by_step(&wrapper, keyed.clone()).await.unwrap();
    let one_call = wrapper.observe_pair(&keyed).await.unwrap();
    assert!(first.created && !again.created && !one_call.created);
    assert_eq!(again.process_run_id, first.process_run_id);
    assert_eq!(one_call.process_run_id, first.process_run_id);
    assert_eq!(
        one_call.producer_component_run_id,
        first.producer_component_run_id
    );
    assert_eq!(
        again.verifier_component_run_id,
        first.verifier_component_run_id
    );

    let minted = call()
        .idempotency_key("key-2")
        .process_run_id(ProcessRunId::mint());
    let first = step_by_step(&wrapper, minted.clone()).await.unwrap();
    let again = step_by_step(&wrapper, minted).await.unwrap();
    assert!(first.created && !again.created);
}

#[tokio::test]
async fn held_lease_refuses_and_names_its_holder() {
    let (_database, wrapper) = installed().await;
    let cleared = wrapper.enter(call()).await.unwrap();
    let leased = cleared.clone().acquire_lease(TTL).await.unwrap();
    assert_eq!(
        leased.lease().name(),
        Lease::pair_lease_name(&PRODUCER.into())
    );

    let refused = cleared.clone().acquire_lease(TTL).await;
    let Err(Error::Refused(refusal)) = refused else {
        panic!("not refused: {refused:?}")
    };
    assert_eq!(refusal.code, RefusalCode::LeaseHeld);
    assert_eq!(refusal.detail["lease_holder"], "tester");
    assert!(refusal.detail["expires_at"].is_string());
    assert!(refusal.hint.is_some());
    assert_eq!(
        code(wrapper.observe_pair(&call()).await),
        RefusalCode::LeaseHeld
    );

    assert!(leased.abandon().await.unwrap());
    let leased = cleared.acquire_lease(TTL).await.unwrap();
    leased
        .observe_run()
        .await
        .unwrap()
        .observe_producer()
        .await
        .unwrap()
        .abandon()
        .await
        .unwrap();
    assert_eq!(wrapper.leases().await.unwrap()[0].state, LeaseState::Free);
}

/// Lets a lease run out, as time would.
async fn expire(database: &dotwrap_testkit::TestDatabase) {
    let superuser = database.superuser().await;
    superuser
        .batch_execute("UPDATE dot.dot_iu_runtime_lease SET expires_at = clock_timestamp() - interval '1 second'")
        .await
        .unwrap();
}

#[tokio::test]
async fn the_lease_can_be_renewed_between_any_two_layers() {
    const LONG: Duration = Duration::from_secs(7200);
    let (_database, wrapper) = installed().await;
    let renewed_to = async || {
        let lease = wrapper.leases().await.unwrap().remove(0);
        lease
            .expires_at
            .unwrap()
            .duration_since(lease.acquired_at.unwrap())
    };
    let cleared = wrapper.enter(call()).await.unwrap();
    let leased = cleared.acquire_lease(TTL).await.unwrap();
    let name = leased.lease().name().to_owned();
    leased.renew(LONG).await.unwrap();
    assert!(renewed_to().await >= LONG.try_into().unwrap());
    let header = leased.observe_run().await.unwrap();
    header.renew(2 * LONG).await.unwrap();
    assert!(renewed_to().await >= (2 * LONG).try_into().unwrap());
    let produced = header.observe_producer().await.unwrap();
    produced.renew(3 * LONG).await.unwrap();
    assert!(renewed_to().await >= (3 * LONG).try_into().unwrap());
    assert_eq!(
        code(produced.renew(Duration::ZERO).await),
        RefusalCode::TtlInvalid
    );
    let recorded = produced.observe_verifier().await.unwrap();
    recorded.renew(4 * LONG).await.unwrap();
    assert!(renewed_to().await >= (4 * LONG).try_into().unwrap());
    assert_eq!(recorded.lease().name(), name);
    assert!(recorded.release().await.unwrap().held_throughout);
}

#[tokio::test]
async fn lost_lease_is_reported_by_renew_and_by_conclude() {
    let (database, wrapper) = installed().await;
    let cleared = wrapper.enter(call()).await.unwrap();
    let late = cleared.clone().acquire_lease(TTL).await.unwrap();
    let header = late.observe_run().await.unwrap();
    expire(&database).await;
    let refused = header.renew(TTL).await;
    let Err(Error::Refused(refusal)) = refused else {
        panic!("not refused: {refused:?}")
    };
    assert_eq!(refusal.code, RefusalCode::LeaseLost);
    assert_eq!(refusal.detail["lease_name"], header.lease().name());
    assert!(refusal.hint.is_some());
    assert_eq!(
        wrapper.refusals(1).await.unwrap()[0].refusal_code,
        "lease_lost"
    );

    // It expired without a takeover.
    let recorded = header
        .observe_producer()
        .await
        .unwrap()
        .observe_verifier()
        .await
        .unwrap();
    assert!(recorded.release().await.unwrap().held_throughout);

    // It ran out, and another ran the pair.
    let late = cleared.clone().acquire_lease(TTL).await.unwrap();
    expire(&database).await;
    assert!(wrapper.observe_pair(&call()).await.unwrap().created);
    let released = finish_steps(late).await.unwrap();
    assert!(released.record.created && !released.held_throughout);

    // It was taken away.
    let robbed = cleared.acquire_lease(TTL).await.unwrap();
    let name = robbed.lease().name().to_owned();
    assert!(
        wrapper
            .force_release_lease(&name, None, "a test")
            .await
            .unwrap()
    );
    assert_eq!(code(robbed.renew(TTL).await), RefusalCode::LeaseLost);
    assert!(!robbed.abandon().await.unwrap());
}

#[tokio::test]
async fn a_step_that_is_refused_gives_the_lease_back() {
    let (_database, wrapper) = installed().await;
    wrapper
        .observe_pair(&call().idempotency_key("key-1").correlation_id("first"))
        .await
        .unwrap();
    let conflicting = call().idempotency_key("key-1").correlation_id("second");
    let leased = wrapper
        .enter(conflicting)
        .await
        .unwrap()
        .acquire_lease(TTL)
        .await
        .unwrap();
    assert_eq!(
        code(leased.observe_run().await),
        RefusalCode::IdempotencyConflict
    );
    assert_eq!(wrapper.leases().await.unwrap()[0].state, LeaseState::Free);
}

#[tokio::test]
async fn gates_are_checked_before_the_lease_is_acquired() {
    let (database, wrapper) = installed().await;
    let mut unknown = call();
    unknown.dot_code = "DOT_NOBODY".into();
    assert_eq!(code(wrapper.enter(unknown).await), RefusalCode::UnknownDot);
    let mut verifier = call();
    verifier.dot_code = VERIFIER.into();
    assert_eq!(
        code(wrapper.enter(verifier).await),
        RefusalCode::NotAProducer
    );

    let owner = database.owner_client().await;
    owner
        .batch_execute("CREATE FUNCTION public.two_findings() RETURNS bigint LANGUAGE sql AS 'SELECT 2::bigint'")
        .await
        .unwrap();
    let check = dotwrap_wrapper::CheckDefinition::new("two", "public.two_findings");
    wrapper.set_check(&check).await.unwrap();
    let refused = wrapper.enter(call()).await;
    let Err(Error::Refused(refusal)) = refused else {
        panic!("not refused: {refused:?}")
    };
    assert_eq!(refusal.code, RefusalCode::PreflightBlocked);
    assert_eq!(refusal.detail["checks"][0]["check_name"], "two");
    assert_eq!(refusal.detail["checks"][0]["cnt"], 2);
    assert!(wrapper.leases().await.unwrap().is_empty());
}

#[tokio::test]
async fn single_calls_record_their_arguments() {
    use dotwrap_wrapper::{ComponentCall, HeaderCall, StoredStatus, Timing};
    let (_database, wrapper) = installed().await;
    let began: dotwrap_wrapper::Timing = "2026-01-02T03:04:05.678901Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .into();
    let header = HeaderCall::new("PROC-CAND:x")
        .status(StoredStatus::Started)
        .source_system("cron")
        .process_definition_code("PD-1")
        .event_code("EV-1")
        .started_at(began);
    let header = wrapper.observe_run(&header).await.unwrap();
    let digest = format!("sha256:{}", "0a".repeat(32));
    let component = ComponentCall::new(
        header.process_run_id,
        PRODUCER,
        ComponentRole::Producer,
        &header.correlation_id,
    )
    .status(StoredStatus::StepCompleted)
    .output_digest(&digest)
    .ended_at(Timing::Now);
    let id = wrapper.observe_component(&component).await.unwrap();

    let run = wrapper.run(header.process_run_id).await.unwrap().unwrap();
    assert_eq!(run.source_system, "cron");
    assert_eq!(run.process_definition_code.as_deref(), Some("PD-1"));
    assert_eq!(run.event_code.as_deref(), Some("EV-1"));
    assert_eq!(
        run.started_at.unwrap().to_string(),
        "2026-01-02T03:04:05.678901Z"
    );
    assert_eq!(run.dot_code, None);
    let parts = wrapper.components_of(header.process_run_id).await.unwrap();
    assert_eq!(parts[0].component_run_id, id);
    assert_eq!(parts[0].output_digest, Some(digest));
    assert!(parts[0].ended_at.is_some());
    // A second producer of the run, and a correlation that is not the header's.
    assert_eq!(
        code(wrapper.observe_component(&component).await),
        RefusalCode::IdInUse
    );
    let mut stray = component.clone();
    stray.correlation_id = "another".into();
    assert_eq!(
        code(wrapper.observe_component(&stray).await),
        RefusalCode::CorrelationMismatch
    );
}
