//! Executed runs, as a runner records them: three atomic transactions.

use std::time::Duration;

use dotwrap_testkit::Pooler;
use dotwrap_wrapper::{
    Actor, BeginCall, BeginOutcome, BegunRun, CallRecord, CandidateCode, ComponentRunId,
    Conclusion, ConnectionTarget, DotCode, EvidenceType, GateSetting, RefusalCode, Rung,
    StoredStatus, Verdict, Wrapper, gate,
};

use crate::support::{CANDIDATE, PRODUCER, VERIFIER, builder, code, ready, row_count, wrapper_as};

fn beginning() -> BeginCall {
    BeginCall::new(PRODUCER, CANDIDATE, EvidenceType::RealRun, "runner 1")
}

async fn begun(wrapper: &Wrapper, call: &BeginCall) -> BegunRun {
    match wrapper.begin_run(call).await.unwrap() {
        BeginOutcome::Begun(run) => run,
        BeginOutcome::Existing(run) => panic!("{run} was begun before"),
    }
}

fn produced() -> CallRecord {
    CallRecord::new(
        ComponentRunId::mint(),
        StoredStatus::StepCompleted,
        EvidenceType::RealRun,
    )
    .output_digest(format!("sha256:{}", "0a".repeat(32)))
}

fn completed() -> Conclusion {
    Conclusion::new(StoredStatus::Completed)
}

async fn close_a_gate(wrapper: &Wrapper) {
    let setting = GateSetting::new(gate::REAL_RUN_ENABLED, false, "a test");
    wrapper.set_gate(&setting).await.unwrap();
}

#[tokio::test]
async fn three_transactions_make_a_verified_run() {
    let (_database, wrapper) = ready().await;
    let run = begun(&wrapper, &beginning()).await;
    let verifier = DotCode::new(VERIFIER);
    let subject = run.record_producer(&produced(), &verifier).await.unwrap();
    subject
        .conclude_after_verifier(&produced().verdict(Verdict::Pass), &completed())
        .await
        .unwrap();
    let status = wrapper
        .candidate_status(&CandidateCode::new(CANDIDATE))
        .await
        .unwrap();
    assert_eq!(status.unwrap().candidate_status_v3, Rung::VerifiedCandidate);
    let ended = wrapper.run(run.process_run_id()).await.unwrap().unwrap();
    assert_eq!(
        (ended.status, ended.verdict),
        (StoredStatus::Completed, Some(Verdict::Pass))
    );
}

#[tokio::test]
async fn a_key_that_was_used_gives_neither_token_nor_receipt() {
    let (_database, wrapper) = ready().await;
    let call = beginning().idempotency_key("nightly");
    let run = begun(&wrapper, &call).await;
    match wrapper.begin_run(&call).await.unwrap() {
        BeginOutcome::Existing(earlier) => assert_eq!(earlier, run.process_run_id()),
        BeginOutcome::Begun(second) => panic!("the key hijacked {second:?}"),
    }
}

#[tokio::test]
async fn where_the_second_receipt_is_refused_the_producer_s_row_is_not_written_either() {
    let (database, wrapper) = ready().await;
    let run = begun(&wrapper, &beginning()).await;
    close_a_gate(&wrapper).await;
    let record = produced();
    let refused = run.record_producer(&record, &DotCode::new(VERIFIER)).await;
    assert_eq!(code(refused.map(drop)), RefusalCode::RunStopped);
    let client = database.superuser().await;
    let components = "process_component_observation";
    assert_eq!(row_count(&client, components).await, 0);
    // What happened is recorded all the same, without a verifier.
    let called_off = Conclusion::new(StoredStatus::Cancelled);
    run.conclude_after_producer(&record, &called_off)
        .await
        .unwrap();
    assert_eq!(row_count(&client, components).await, 1);
}

#[tokio::test]
async fn no_row_is_written_after_a_conclusion() {
    let (_database, wrapper) = ready().await;
    let run = begun(&wrapper, &beginning()).await;
    run.conclude(&Conclusion::new(StoredStatus::Cancelled))
        .await
        .unwrap();
    assert_eq!(
        code(run.conclude(&completed()).await),
        RefusalCode::RunConcluded
    );
    let late = run
        .record_producer(&produced(), &DotCode::new(VERIFIER))
        .await;
    assert!(matches!(
        code(late.map(drop)),
        RefusalCode::RunConcluded | RefusalCode::LeaseLost
    ));
}

#[tokio::test]
async fn observer_role_may_not_begin_a_run() {
    let (database, _wrapper) = ready().await;
    let observer = wrapper_as(&database, &format!("{}_observer", database.role_prefix())).await;
    let outcome = observer.begin_run(&beginning()).await;
    assert!(
        matches!(outcome, Err(dotwrap_wrapper::Error::NotPermitted { .. })),
        "{outcome:?}"
    );
}

/// The pause is so long that only a notification can tell in time: the test would hang without it.
#[tokio::test]
async fn stops_are_notified_where_a_session_can_listen() {
    let (_database, wrapper) = ready().await;
    let mut watch = wrapper.watch_runs(Duration::from_secs(3600));
    let run = begun(&wrapper, &beginning()).await;
    let mut watched = watch.watch(run.process_run_id(), &run.lease());
    watch.answered().await;
    let told = watched.stopped();
    let closed = async {
        // Once the watch waits, asking by itself is an hour away.
        tokio::time::sleep(Duration::from_millis(300)).await;
        close_a_gate(&wrapper).await;
    };
    let (cause, ()) = tokio::join!(told, closed);
    assert_eq!(cause.word(), "gate_closed");
    assert!(!cause.is_urgent());
    let now = GateSetting::new(gate::REAL_RUN_ENABLED, false, "at once").stop_now(true);
    let (cause, closed) = tokio::join!(watched.urgent(), wrapper.set_gate(&now));
    closed.unwrap();
    assert_eq!(cause.word(), "gate_closed");
}

#[tokio::test]
async fn closed_gate_is_found_by_polling_without_listen() {
    let (database, direct) = ready().await;
    let pooler = Pooler::transaction_mode(&database).await;
    let target = ConnectionTarget::parse(&pooler.url_as(database.owner())).unwrap();
    let wrapper = builder(&database).target(target).build().await.unwrap();
    let watch = wrapper.watch_runs(Duration::from_millis(100));
    let run = begun(&wrapper, &beginning()).await;
    let mut watched = watch.watch(run.process_run_id(), &run.lease());
    close_a_gate(&direct).await;
    assert_eq!(watched.stopped().await.word(), "gate_closed");
}

#[tokio::test]
async fn a_stop_names_its_first_actor_and_ends_the_permission() {
    let (_database, wrapper) = ready().await;
    let run = begun(&wrapper, &beginning()).await;
    let (id, lease) = (run.process_run_id(), run.lease());
    assert!(wrapper.may_continue(id, &lease).await.unwrap());
    let ana = Actor::new("ana");
    let first = wrapper
        .stop_run(id, Some(&ana), "the wrong input")
        .await
        .unwrap();
    assert!(first.created);
    assert!(!wrapper.may_continue(id, &lease).await.unwrap());
    let again = wrapper.stop_run(id, None, "another reason").await.unwrap();
    assert_eq!(
        (again.actor, &*again.reason, again.created),
        (ana.clone(), "the wrong input", false)
    );
    run.conclude(&Conclusion::new(StoredStatus::Cancelled))
        .await
        .unwrap();
    let shown = wrapper.run(id).await.unwrap().unwrap();
    assert_eq!(shown.stopped_by, Some(ana));
    assert_eq!(shown.stop_reason.as_deref(), Some("the wrong input"));
    let other = begun(&wrapper, &beginning()).await;
    other
        .conclude(&Conclusion::new(StoredStatus::Failed))
        .await
        .unwrap();
    assert_eq!(
        code(
            wrapper
                .stop_run(other.process_run_id(), None, "late")
                .await
                .map(drop)
        ),
        RefusalCode::RunConcluded
    );
}
