//! Workers: requests are executed once, by whoever comes first.

use std::{sync::Arc, time::Duration};

use dotwrap_invoke::{Stop, StopHandle, StopReason};
use dotwrap_runner::{Progress, Silent, Told, Work};
use dotwrap_wrapper::{
    ClaimedRequest, EvidenceType, ProcessRunId, RequestEnd, RequestOutcome, RequestState,
    RunRequest, RunRequestFilter, StoredStatus, gate,
};

use crate::support::{CANDIDATE, PRODUCER, Stage, Tools, until_stopped};

struct Quiet;

impl Told for Quiet {
    fn of_run(&self, _: &ClaimedRequest) -> Box<dyn Progress> {
        Box::new(Silent)
    }
    fn finished(&self, _: &ClaimedRequest, _: &RequestEnd) {}
    fn reaped(&self, _: &[ProcessRunId]) {}
    fn trouble(&self, what: &str, error: &dyn std::error::Error) {
        eprintln!("{what}: {error}");
    }
}

fn work(side_by_side: usize) -> Work {
    Work {
        side_by_side,
        lease_ttl: Duration::from_secs(5),
        look_every: Duration::from_millis(50),
        until_idle: true,
        ..Work::default()
    }
}

async fn ask(stage: &Stage, producer: &str) {
    let request = RunRequest::new(producer, CANDIDATE, EvidenceType::RealRun);
    stage.wrapper.request_run(&request).await.unwrap();
}

async fn all(stage: &Stage) -> Vec<dotwrap_wrapper::RunRequestRecord> {
    stage
        .wrapper
        .run_requests(&RunRequestFilter::default(), 100)
        .await
        .unwrap()
}

#[tokio::test]
async fn two_workers_execute_every_request_once() {
    let stage = Stage::open().await;
    let pairs: Vec<String> = (0..6).map(|number| format!("DOT_P{number}")).collect();
    for pair in &pairs {
        stage.register(pair, &format!("{pair}_CHECK")).await;
        ask(&stage, pair).await;
    }
    let tools = Tools::honest();
    let workers = ["worker 1", "worker 2"].map(|name| stage.runner_named(&tools, name));
    let [first, second] = &workers;
    let (never, two) = (Stop::never(), work(2));
    let served = tokio::join!(
        first.work(&two, Arc::new(Quiet), Stop::never(), &never),
        second.work(&two, Arc::new(Quiet), Stop::never(), &never),
    );
    assert_eq!(served.0 + served.1, 6);
    assert_eq!(tools.count(), 12);
    for request in all(&stage).await {
        assert_eq!(
            request.outcome,
            Some(RequestOutcome::Concluded),
            "{request:?}"
        );
        assert_eq!(request.run_status, Some(StoredStatus::Completed));
    }
    assert_eq!(stage.count("process_run_observation").await, 6);
}

#[tokio::test]
async fn requests_wait_while_the_gates_are_closed() {
    let stage = Stage::open().await;
    ask(&stage, PRODUCER).await;
    stage.set_gate(gate::EXECUTE_ENABLED, false).await;
    let tools = Tools::honest();
    let served = stage
        .runner(&tools)
        .work(&work(1), Arc::new(Quiet), Stop::never(), &Stop::never())
        .await;
    assert_eq!((served, tools.count()), (0, 0));
    assert_eq!(all(&stage).await[0].state, RequestState::Waiting);
    stage.set_gate(gate::EXECUTE_ENABLED, true).await;
    let served = stage
        .runner(&tools)
        .work(&work(1), Arc::new(Quiet), Stop::never(), &Stop::never())
        .await;
    assert_eq!(served, 1);
}

#[tokio::test]
async fn a_worker_that_is_interrupted_concludes_what_it_was_at() {
    let stage = Stage::open().await;
    ask(&stage, PRODUCER).await;
    let (handle, interrupt) = StopHandle::new();
    let tools = Tools::honest().producer(move |_, stop| {
        handle.stop(StopReason::Interrupted);
        until_stopped(stop)
    });
    let forever = Work {
        until_idle: false,
        ..work(1)
    };
    let served = stage
        .runner(&tools)
        .work(&forever, Arc::new(Quiet), Stop::never(), &interrupt)
        .await;
    assert_eq!(served, 1);
    assert_eq!(
        all(&stage).await[0].run_status,
        Some(StoredStatus::Cancelled)
    );
}

#[tokio::test]
async fn a_request_that_can_never_be_called_is_refused() {
    let stage = Stage::open().await;
    stage
        .contract(PRODUCER, "REAL_RUN", |contract| {
            contract.invocation = Some(serde_json::json!({"argv": ["{input}"]}));
        })
        .await;
    ask(&stage, PRODUCER).await;
    let tools = Tools::honest();
    stage
        .runner(&tools)
        .work(&work(1), Arc::new(Quiet), Stop::never(), &Stop::never())
        .await;
    let request = &all(&stage).await[0];
    assert_eq!(request.outcome, Some(RequestOutcome::Refused));
    assert_eq!(request.refusal_code.as_deref(), Some("input_missing"));
    assert_eq!(tools.count(), 0);
}
