//! What stops a call, and what is left of it.

use std::{sync::Arc, time::Duration};

use dotwrap_invoke::{Mode, Stop, StopHandle, StopReason};
use dotwrap_runner::{Outcome, RunOrder, Step};
use dotwrap_wrapper::{DotCode, Lease, StoredStatus, Verdict, gate};
use tokio::sync::Notify;

use crate::support::{At, PRODUCER, Stage, Tools, left, short_lease, until_stopped};

/// Executes a run whose producer works until it is stopped, and does something once it is called.
async fn stopped_by(
    stage: &Stage,
    order: &RunOrder,
    interrupt: Stop,
    cause: impl Future<Output = ()>,
) -> Outcome {
    let called = Arc::new(Notify::new());
    let tell = Arc::clone(&called);
    let tools = Tools::honest().producer(move |_, stop| {
        tell.notify_one();
        until_stopped(stop)
    });
    let progress = At::step(|_: Step<'_>| {});
    let run = stage.run_in(Mode::RealRun, &tools, order, &progress, interrupt);
    let cause = async {
        called.notified().await;
        cause.await;
    };
    tokio::join!(run, cause).0.unwrap()
}

#[tokio::test]
async fn a_gate_that_closes_stops_the_call_and_leaves_a_receipt_of_the_stop() {
    let stage = Stage::open().await;
    let close = stage.set_gate(gate::REAL_RUN_ENABLED, false);
    let outcome = stopped_by(&stage, &RunOrder::default(), Stop::never(), close).await;
    let Outcome::Concluded {
        status, error_ref, ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(*status, StoredStatus::Cancelled);
    assert_eq!(error_ref.as_deref(), Some("producer: gate_closed"));
    let parts = stage.evidence(&outcome).await;
    let evidence = &parts[0]["evidence_ref"];
    assert_eq!(evidence["stop"]["reason"], "gate_closed");
    assert_eq!(
        evidence["stop"]["may_have_happened"][0],
        "whatever it did before"
    );
    assert_eq!(evidence["outcome"], "unknown");
}

#[tokio::test]
async fn a_gate_that_the_clock_closes_stops_the_call_too() {
    let stage = Stage::open().await;
    let setting = gate::GateSetting::new(gate::EXECUTE_ENABLED, true, "a short while")
        .lasting(Duration::from_secs(2));
    stage.wrapper.set_gate(&setting).await.unwrap();
    let outcome = stopped_by(&stage, &RunOrder::default(), Stop::never(), async {}).await;
    assert!(
        matches!(&outcome, Outcome::Concluded { error_ref: Some(word), .. } if word == "producer: gate_closed"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_interrupt_concludes_the_run() {
    let stage = Stage::open().await;
    let (handle, interrupt) = StopHandle::new();
    let outcome = stopped_by(&stage, &RunOrder::default(), interrupt, async {
        handle.stop(StopReason::Interrupted)
    })
    .await;
    assert!(
        matches!(
            &outcome,
            Outcome::Concluded {
                status: StoredStatus::Cancelled,
                ..
            }
        ),
        "{outcome:?}"
    );
    let leases = stage.wrapper.leases().await.unwrap();
    assert!(
        leases.iter().all(|lease| lease.released_at.is_some()),
        "{leases:?}"
    );
}

#[tokio::test]
async fn a_lease_that_is_taken_away_stops_the_call() {
    let stage = Stage::open().await;
    let name = Lease::name_of_pair(&DotCode::new(PRODUCER));
    let take_away = async {
        stage
            .wrapper
            .force_release_lease(&name, None, "a test")
            .await
            .unwrap();
    };
    let outcome = stopped_by(&stage, &short_lease(), Stop::never(), take_away).await;
    let Outcome::Concluded {
        process_run_id,
        status,
        folder,
        ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(*status, StoredStatus::Stuck);
    let run = stage.wrapper.run(*process_run_id).await.unwrap().unwrap();
    assert_eq!(run.evidence_ref["outcome"], "unknown");
    // What the ledger would not take from one that has lost its lease is kept beside the outputs.
    let note = std::fs::read_to_string(folder.join("unrecorded.json")).unwrap();
    assert!(
        note.contains("lease_lost") && note.contains("whatever it did before"),
        "{note}"
    );
}

#[tokio::test]
async fn a_call_that_takes_longer_than_its_lease_keeps_it() {
    let stage = Stage::open().await;
    let tools = Tools::honest().producer(|call, _| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        left(&call, "the work")
    });
    let outcome = stage.run(&tools, &short_lease()).await.unwrap();
    assert!(
        matches!(
            outcome,
            Outcome::Concluded {
                verdict: Some(Verdict::Pass),
                ..
            }
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_gate_that_closes_between_the_two_keeps_the_verifier_from_being_called() {
    let stage = Stage::open().await;
    let close = GateCloser::of(&stage).await;
    let tools = Tools::honest().producer(move |call, _| {
        let close = close.clone();
        async move {
            close.close().await;
            left(&call, "the work")
        }
    });
    let outcome = stage.run(&tools, &RunOrder::default()).await.unwrap();
    let Outcome::Concluded {
        status,
        verdict,
        error_ref,
        ..
    } = &outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!((*status, *verdict), (StoredStatus::Cancelled, None));
    assert_eq!(
        error_ref.as_deref(),
        Some("verifier: not called: gate_closed")
    );
    assert_eq!(tools.count(), 1);
    // What the producer did is recorded all the same.
    let parts = stage.evidence(&outcome).await;
    assert_eq!(parts[0]["status"], "step_completed");
}

/// Closes a gate from inside a tool.
#[derive(Clone)]
struct GateCloser(dotwrap_wrapper::Wrapper);

impl GateCloser {
    async fn of(stage: &Stage) -> Self {
        Self(stage.wrapper.clone())
    }

    async fn close(&self) {
        let setting = gate::GateSetting::new(gate::REAL_RUN_ENABLED, false, "enough");
        self.0.set_gate(&setting).await.unwrap();
    }
}

/// The invoker then starts nothing.
#[tokio::test]
async fn an_interruption_while_the_run_is_being_begun_is_known_when_the_tool_would_be_called() {
    let stage = Stage::open().await;
    let (handle, interrupt) = StopHandle::new();
    handle.stop(StopReason::Interrupted);
    let known = Arc::new(std::sync::Mutex::new(None));
    let note = Arc::clone(&known);
    let tools = Tools::honest().producer(move |_, stop| {
        *note.lock().unwrap() = stop.reason();
        until_stopped(stop)
    });
    let progress = At::step(|_: Step<'_>| {});
    let order = RunOrder::default();
    stage
        .run_in(Mode::RealRun, &tools, &order, &progress, interrupt)
        .await
        .unwrap();
    assert_eq!(*known.lock().unwrap(), Some(StopReason::Interrupted));
}
