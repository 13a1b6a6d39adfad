//! Requests for runs, from creation to finish.

use std::time::Duration;

use dotwrap_wrapper::{
    Actor, BeginOutcome, EvidenceType, ProcessRunId, RefusalCode, RequestEnd, RequestOutcome,
    RequestState, RunRequest, RunRequestFilter, Schedule,
};

use crate::support::{CANDIDATE, PRODUCER, code, ready};

const TTL: Duration = Duration::from_secs(60);

fn request() -> RunRequest {
    RunRequest::new(PRODUCER, CANDIDATE, EvidenceType::RealRun)
}

fn worker() -> Actor {
    Actor::new("worker 1")
}

#[tokio::test]
async fn claimed_request_begins_the_requested_run() {
    let (_database, wrapper) = ready().await;
    let asked = request()
        .idempotency_key("nightly")
        .actor("ana")
        .input_ref("file:input")
        .input_digest(format!("sha256:{}", "0a".repeat(32)));
    let id = wrapper.request_run(&asked).await.unwrap();
    assert_eq!(wrapper.request_run(&asked).await.unwrap(), id);
    let other = asked.clone().input_ref("file:other");
    assert_eq!(
        code(wrapper.request_run(&other).await),
        RefusalCode::IdempotencyConflict
    );

    let claim = async |modes: &[EvidenceType]| {
        let claimed = wrapper.claim_request(&worker(), TTL, modes, &[]).await;
        claimed.unwrap()
    };
    assert!(claim(&[EvidenceType::DryRun]).await.is_none());
    let claimed = claim(&[EvidenceType::RealRun]).await.unwrap();
    assert_eq!(claimed.request_id(), id);
    assert!(claim(&[]).await.is_none());
    assert!(wrapper.renew_request(&claimed, TTL).await.unwrap());

    let begun = match wrapper.begin_run(&claimed.begin_call(worker())).await {
        Ok(BeginOutcome::Begun(run)) => run,
        other => panic!("{other:?}"),
    };
    let run = wrapper.run(begun.process_run_id()).await.unwrap().unwrap();
    assert_eq!(run.correlation_id.as_str(), "key:nightly");
    assert_eq!(run.actor.as_str(), "ana");
    assert_eq!(run.input_ref.as_deref(), Some("file:input"));
    assert_eq!(
        run.idempotency_key.unwrap().as_str(),
        format!("request:{id}")
    );
    let again = wrapper.begin_run(&claimed.begin_call(worker())).await;
    assert!(matches!(again, Ok(BeginOutcome::Existing(earlier)) if earlier == run.process_run_id));

    let concluded = RequestEnd::Concluded(run.process_run_id);
    assert_eq!(
        code(wrapper.finish_request(&claimed, &concluded).await),
        RefusalCode::StatusInvalid,
        "its run is under way"
    );
    let record = wrapper.run_request(id).await.unwrap().unwrap();
    assert_eq!(record.state, RequestState::Claimed);
    assert_eq!(record.process_run_id, Some(run.process_run_id));
    let other = RequestEnd::Concluded(ProcessRunId::mint());
    assert_eq!(
        code(wrapper.finish_request(&claimed, &other).await),
        RefusalCode::RunUnknown
    );
}

#[tokio::test]
async fn permanent_refusal_ends_a_request_and_transient_refusal_delays_it() {
    let (_database, wrapper) = ready().await;
    let id = wrapper.request_run(&request()).await.unwrap();
    let claim = || async {
        wrapper
            .claim_request(&worker(), TTL, &[], &[])
            .await
            .unwrap()
    };
    let first = claim().await.unwrap();
    let later = RequestEnd::Retry {
        refusal_code: "lease_held".to_owned(),
        after: Duration::ZERO,
    };
    assert!(wrapper.finish_request(&first, &later).await.unwrap());
    let second = claim().await.unwrap();
    assert_eq!(second.claims(), 2);
    let refused = RequestEnd::Refused("contract_missing".to_owned());
    assert!(!wrapper.finish_request(&first, &refused).await.unwrap());
    assert!(wrapper.finish_request(&second, &refused).await.unwrap());
    let record = wrapper.run_request(id).await.unwrap().unwrap();
    assert_eq!(record.outcome, Some(RequestOutcome::Refused));
    assert_eq!(record.refusal_code.as_deref(), Some("contract_missing"));
    assert_eq!(
        code(wrapper.begin_run(&second.begin_call(worker())).await),
        RefusalCode::LeaseLost
    );
}

#[tokio::test]
async fn future_request_waits_and_can_be_cancelled() {
    let (_database, wrapper) = ready().await;
    let id = wrapper
        .request_run(&request().due(Schedule::In(Duration::from_secs(3600))))
        .await
        .unwrap();
    let none = wrapper
        .claim_request(&worker(), TTL, &[], &[])
        .await
        .unwrap();
    assert!(none.is_none());
    let mut waiting = RunRequestFilter::default();
    waiting.state = Some(RequestState::Waiting);
    waiting.dot_code = Some(PRODUCER.into());
    waiting.process_candidate_code = Some(CANDIDATE.into());
    let listed = wrapper.run_requests(&waiting, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].not_before > listed[0].requested_at);
    assert!(wrapper.cancel_request(id, None, "no").await.unwrap());
    assert!(!wrapper.cancel_request(id, None, "no").await.unwrap());
    assert_eq!(wrapper.run_requests(&waiting, 10).await.unwrap(), []);
    let all = wrapper
        .run_requests(&RunRequestFilter::default(), 10)
        .await
        .unwrap();
    assert_eq!(all[0].state, RequestState::Cancelled);
    assert_eq!(all[0].cancelled_by.as_ref().unwrap(), "tester");
}
