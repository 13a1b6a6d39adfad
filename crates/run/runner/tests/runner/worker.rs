//! Workers execute each request once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use dotwrap_invoke::{Stop, StopHandle, StopReason};
use dotwrap_runner::{
    Error, InvokerRegistry, NoProgress, Progress, Runner, RunsDir, WorkerObserver, WorkerOptions,
};
use dotwrap_wrapper::{
    Actor, ClaimedRequest, DotCode, ErrorClass, EvidenceType, Lease, ProcessRunId, RequestEnd,
    RequestOutcome, RequestState, RunRequest, RunRequestFilter, StoredStatus, Wrapper, gate,
};

use crate::support::{CANDIDATE, PRODUCER, Stage, Tools, until_stopped};

/// Keeps what it was told went wrong.
#[derive(Default)]
struct Troubles(Mutex<Vec<String>>);

impl WorkerObserver for Troubles {
    fn of_run(&self, _: &ClaimedRequest) -> Box<dyn Progress> {
        Box::new(NoProgress)
    }
    fn finished(&self, _: &ClaimedRequest, _: &RequestEnd) {}
    fn reaped(&self, _: &[ProcessRunId]) {}
    fn on_error(&self, what: &str, error: &dyn std::error::Error) {
        let said = format!("{what}: {error}");
        eprintln!("{said}");
        self.0.lock().unwrap().push(said);
    }
}

/// Ignores all events.
fn quiet() -> Arc<Troubles> {
    Arc::default()
}

fn work(side_by_side: usize) -> WorkerOptions {
    WorkerOptions {
        concurrency: side_by_side,
        lease_ttl: Duration::from_secs(5),
        poll_interval: Duration::from_millis(50),
        until_idle: true,
        ..WorkerOptions::default()
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
        first.work(&two, quiet(), Stop::never(), &never),
        second.work(&two, quiet(), Stop::never(), &never),
    );
    assert_eq!(served.0.unwrap() + served.1.unwrap(), 6);
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
        .work(&work(1), quiet(), Stop::never(), &Stop::never())
        .await
        .unwrap();
    assert_eq!((served, tools.count()), (0, 0));
    assert_eq!(all(&stage).await[0].state, RequestState::Waiting);
    stage.set_gate(gate::EXECUTE_ENABLED, true).await;
    let served = stage
        .runner(&tools)
        .work(&work(1), quiet(), Stop::never(), &Stop::never())
        .await
        .unwrap();
    assert_eq!(served, 1);
}

#[tokio::test]
async fn interrupted_worker_concludes_current_run() {
    let stage = Stage::open().await;
    ask(&stage, PRODUCER).await;
    let (handle, interrupt) = StopHandle::new();
    let tools = Tools::honest().producer(move |_, stop| {
        handle.stop(StopReason::Interrupted);
        until_stopped(stop)
    });
    let forever = WorkerOptions {
        until_idle: false,
        ..work(1)
    };
    let served = stage
        .runner(&tools)
        .work(&forever, quiet(), Stop::never(), &interrupt)
        .await
        .unwrap();
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
        .work(&work(1), quiet(), Stop::never(), &Stop::never())
        .await
        .unwrap();
    let request = &all(&stage).await[0];
    assert_eq!(request.outcome, Some(RequestOutcome::Refused));
    assert_eq!(request.refusal_code.as_deref(), Some("input_missing"));
    assert_eq!(tools.count(), 0);
}

/// A request for a pair whose producer's contract has one key, served by one worker.
async fn served_with(stage: &Stage, key: &str) {
    stage
        .contract(PRODUCER, "REAL_RUN", |contract| {
            contract.invocation = Some(serde_json::json!({key: true}));
        })
        .await;
    ask(stage, PRODUCER).await;
    // As if it had waited for gates and leases for long.
    let client = stage.database.superuser().await;
    let waited = "UPDATE dot.dot_run_request SET claims = 100";
    client.execute(waited, &[]).await.unwrap();
    stage
        .runner(&Tools::honest())
        .work(&work(1), quiet(), Stop::never(), &Stop::never())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_request_whose_program_is_elsewhere_waits_however_often_it_was_claimed() {
    let stage = Stage::open().await;
    served_with(&stage, "elsewhere").await;
    let request = &all(&stage).await[0];
    assert_eq!(request.state, RequestState::Waiting);
    assert_eq!(request.refusal_code.as_deref(), Some("program_missing"));
}

#[tokio::test]
async fn request_with_invalid_contract_is_refused() {
    let stage = Stage::open().await;
    served_with(&stage, "nonsense").await;
    let request = &all(&stage).await[0];
    assert_eq!(request.outcome, Some(RequestOutcome::Refused));
    assert_eq!(request.refusal_code.as_deref(), Some("invocation_invalid"));
}

#[tokio::test]
async fn a_worker_that_may_not_claim_ends_and_says_so() {
    let stage = Stage::open().await;
    ask(&stage, PRODUCER).await;
    let observer = Wrapper::builder()
        .target(stage.database.url_as("dot_observer").parse().unwrap())
        .actor("tester")
        .build()
        .await
        .unwrap();
    let folders = RunsDir::below(stage.folder.path().join("runs"));
    let runner = Runner::new(
        observer,
        InvokerRegistry::new(),
        folders,
        Actor::new("observer"),
    );
    for until_idle in [true, false] {
        let work = WorkerOptions {
            until_idle,
            ..work(1)
        };
        let never = Stop::never();
        let worked = runner.work(&work, quiet(), Stop::never(), &never);
        let error = tokio::time::timeout(Duration::from_secs(120), worked)
            .await
            .expect("it tries for ever")
            .unwrap_err();
        assert!(
            matches!(&error, Error::Wrapper(error) if error.class() == ErrorClass::NotPermitted),
            "{error}"
        );
    }
    assert_eq!(all(&stage).await[0].state, RequestState::Waiting);
}

#[tokio::test]
async fn panicked_claim_is_reported() {
    let stage = Stage::open().await;
    ask(&stage, PRODUCER).await;
    let tools = Tools::honest().producer(|_, _| async { panic!("a defect") });
    let troubles = Arc::new(Troubles::default());
    let told: Arc<dyn WorkerObserver> = troubles.clone();
    let served = stage
        .runner(&tools)
        .work(&work(1), told, Stop::never(), &Stop::never())
        .await
        .unwrap();
    assert_eq!(served, 0);
    let troubles = troubles.0.lock().unwrap();
    assert!(
        matches!(&troubles[..], [one] if one.contains("panicked")),
        "{troubles:?}"
    );
}

/// The request ends with its run, whichever process concluded the run.
#[tokio::test]
async fn a_request_whose_lease_is_taken_away_ends_with_its_run() {
    let stage = Stage::open().await;
    ask(&stage, PRODUCER).await;
    let wrapper = stage.wrapper.clone();
    let tools = Tools::honest().producer(move |_, stop| {
        let wrapper = wrapper.clone();
        async move {
            let name = Lease::pair_lease_name(&DotCode::new(PRODUCER));
            let taken = wrapper.force_release_lease(&name, None, "a test").await;
            assert!(taken.unwrap());
            until_stopped(stop).await
        }
    });
    let served = stage
        .runner(&tools)
        .work(&work(1), quiet(), Stop::never(), &Stop::never())
        .await
        .unwrap();
    assert_eq!(served, 1);
    let request = &all(&stage).await[0];
    assert_eq!(request.outcome, Some(RequestOutcome::Concluded));
    assert_eq!(request.run_status, Some(StoredStatus::Stuck));
}
