//! The causes that stop a call, and the records of a stopped call.

use std::{pin::pin, sync::Arc, time::Duration};

use dotwrap_invoke::{Mode, Stop, StopHandle, StopReason};
use dotwrap_runner::{Error, Outcome, RunOptions, RunsDir, Step};
use dotwrap_wrapper::{
    DotCode, ErrorClass, Lease, Posture, ProcessRunId, StoredStatus, Verdict, gate,
};
use serde_json::json;
use tokio::{sync::Notify, time::timeout};

use crate::support::{At, PRODUCER, Stage, Tools, concluded, left, short_lease, until_stopped};

/// Longer than any machine is busy: who waits for so long waits in vain.
const LONG: Duration = Duration::from_secs(120);

/// Executes a run whose producer works until it is stopped, and does something once it is called.
async fn stopped_by(
    stage: &Stage,
    order: &RunOptions,
    interrupt: Stop,
    cause: impl Future<Output = ()>,
) -> Result<Outcome, Error> {
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
    let (mut run, cause) = (pin!(run), pin!(cause));
    let stopped = async {
        tokio::select! {
            outcome = run.as_mut() => return outcome,
            () = cause => {}
        }
        run.await
    };
    timeout(LONG, stopped)
        .await
        .expect("nothing stops the call")
}

#[tokio::test]
async fn a_gate_that_closes_stops_the_call_and_leaves_a_receipt_of_the_stop() {
    let stage = Stage::open().await;
    let close = stage.set_gate(gate::REAL_RUN_ENABLED, false);
    let outcome = stopped_by(&stage, &RunOptions::default(), Stop::never(), close)
        .await
        .unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(conclusion.status, StoredStatus::Cancelled);
    assert_eq!(conclusion.error_ref, Some("producer: gate_closed"));
    let parts = stage.evidence(&outcome).await;
    let evidence = &parts[0]["evidence_ref"];
    assert_eq!(evidence["stop"]["reason"], "gate_closed");
    assert_eq!(
        evidence["stop"]["possible_effects"][0],
        "whatever it did before"
    );
    assert_eq!(evidence["outcome"], "unknown");
    let run = stage
        .wrapper
        .run(conclusion.process_run_id)
        .await
        .unwrap()
        .unwrap();
    let cause = &run.evidence_ref["stop_cause"];
    assert_eq!(
        (&cause["cause"], &cause["gate"]),
        (&json!("gate_closed"), &json!(gate::REAL_RUN_ENABLED))
    );
    assert_eq!(cause["now"], false);
}

#[tokio::test]
async fn a_window_that_ends_stops_the_call_where_it_was_opened_so() {
    let stage = Stage::open().await;
    let not_for_long = async {
        let setting = gate::GateSetting::new(gate::EXECUTE_ENABLED, true, "a short while")
            .lasting(Duration::from_secs(1))
            .stop_at_end(true);
        stage.wrapper.set_gate(&setting).await.unwrap();
    };
    let outcome = stopped_by(&stage, &RunOptions::default(), Stop::never(), not_for_long)
        .await
        .unwrap();
    assert_eq!(
        concluded(&outcome).error_ref,
        Some("producer: window_ended"),
        "{outcome:?}"
    );
}

/// The run began in time. Neither the end of the window nor a closing that lets runs finish stops it.
#[tokio::test]
async fn a_run_goes_on_behind_the_end_of_its_window() {
    let stage = Stage::open().await;
    let wrapper = stage.wrapper.clone();
    let tools = Tools::honest().producer(move |call, _| {
        let wrapper = wrapper.clone();
        async move {
            let setting = gate::GateSetting::new(gate::EXECUTE_ENABLED, true, "a short while")
                .lasting(Duration::from_secs(1));
            wrapper.set_gate(&setting).await.unwrap();
            let finishing =
                gate::GateSetting::new(gate::REAL_RUN_ENABLED, false, "no more of them")
                    .let_finish(true);
            wrapper.set_gate(&finishing).await.unwrap();
            while wrapper.posture().await.unwrap() > Posture::NoExecute {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            left(&call, "the work")
        }
    });
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Completed, Some(Verdict::Pass)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_run_that_somebody_stops_is_cancelled_and_says_who() {
    let stage = Stage::open().await;
    let order = RunOptions {
        process_run_id: Some(ProcessRunId::mint()),
        ..RunOptions::default()
    };
    let id = order.process_run_id.unwrap();
    let stop = async {
        let ana = dotwrap_wrapper::Actor::new("ana");
        stage
            .wrapper
            .stop_run(id, Some(&ana), "the wrong input")
            .await
            .unwrap();
    };
    let outcome = stopped_by(&stage, &order, Stop::never(), stop)
        .await
        .unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(conclusion.status, StoredStatus::Cancelled);
    assert_eq!(conclusion.error_ref, Some("producer: run_stopped"));
    let run = stage.wrapper.run(id).await.unwrap().unwrap();
    assert_eq!(run.evidence_ref["stopped_by"], "ana");
    assert_eq!(run.evidence_ref["stop_reason"], "the wrong input");
    assert_eq!(run.evidence_ref["stop_cause"]["cause"], "run_stopped");
}

/// A stop that leaves the grace becomes one that cuts it.
#[tokio::test]
async fn a_gate_that_is_closed_again_at_once_makes_the_stop_urgent() {
    let stage = Stage::open().await;
    let wrapper = stage.wrapper.clone();
    let tools = Tools::honest().producer(move |_, mut stop| {
        let wrapper = wrapper.clone();
        async move {
            let close =
                |now| gate::GateSetting::new(gate::REAL_RUN_ENABLED, false, "enough").stop_now(now);
            wrapper.set_gate(&close(false)).await.unwrap();
            stop.cancelled().await;
            assert!(!stop.is_urgent());
            wrapper.set_gate(&close(true)).await.unwrap();
            stop.urgent().await;
            until_stopped(stop).await
        }
    });
    let order = RunOptions::default();
    let run = stage.run(&tools, &order);
    let outcome = timeout(LONG, run).await.expect("nothing says now").unwrap();
    assert_eq!(concluded(&outcome).error_ref, Some("producer: gate_closed"));
}

#[tokio::test]
async fn a_window_that_ends_before_the_contracts_limits_is_said_at_the_start() {
    let stage = Stage::open().await;
    let said = Arc::new(std::sync::Mutex::new(Vec::new()));
    for stops in [false, true] {
        let setting = gate::GateSetting::new(gate::EXECUTE_ENABLED, true, "a short while")
            .lasting(Duration::from_secs(30))
            .stop_at_end(stops);
        stage.wrapper.set_gate(&setting).await.unwrap();
        let note = Arc::clone(&said);
        let progress = At::step(move |step: Step<'_>| {
            if let Step::ShortWindow { gate, stops, .. } = step {
                note.lock().unwrap().push((gate.to_owned(), stops));
            }
        });
        let order = RunOptions::default();
        stage
            .run_in(
                Mode::RealRun,
                &Tools::honest(),
                &order,
                &progress,
                Stop::never(),
            )
            .await
            .unwrap();
    }
    let key = gate::EXECUTE_ENABLED.to_owned();
    assert_eq!(*said.lock().unwrap(), [(key.clone(), false), (key, true)]);
}

#[tokio::test]
async fn an_interrupt_concludes_the_run() {
    let stage = Stage::open().await;
    let (handle, interrupt) = StopHandle::new();
    let outcome = stopped_by(&stage, &RunOptions::default(), interrupt, async {
        handle.stop(StopReason::Interrupted)
    })
    .await
    .unwrap();
    assert_eq!(
        concluded(&outcome).status,
        StoredStatus::Cancelled,
        "{outcome:?}"
    );
    let leases = stage.wrapper.leases().await.unwrap();
    assert!(
        leases.iter().all(|lease| lease.released_at.is_some()),
        "{leases:?}"
    );
}

/// The lease is so long that it would be renewed in hours only.
#[tokio::test]
async fn a_lease_that_is_taken_away_stops_the_call_at_once() {
    let stage = Stage::open().await;
    let name = Lease::pair_lease_name(&DotCode::new(PRODUCER));
    let order = RunOptions {
        process_run_id: Some(ProcessRunId::mint()),
        lease_ttl: Duration::from_secs(86_400),
        ..RunOptions::default()
    };
    let take_away = async {
        listened(&stage).await;
        stage
            .wrapper
            .force_release_lease(&name, None, "a test")
            .await
            .unwrap();
    };
    let error = stopped_by(&stage, &order, Stop::never(), take_away)
        .await
        .unwrap_err();
    let Error::NotConcluded {
        process_run_id,
        unrecorded: Some(unrecorded),
        reason,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(unrecorded.is_file(), "{}", unrecorded.display());
    assert_eq!(reason.class(), ErrorClass::Lease, "{reason}");
    assert_eq!(Some(*process_run_id), order.process_run_id);
    // The runner that lost the lease reaps the run: no other process may come for a long time.
    let run = stage.wrapper.run(*process_run_id).await.unwrap().unwrap();
    assert_eq!(run.status, StoredStatus::Stuck);
    assert_eq!(run.evidence_ref["outcome"], "unknown");
    // What the ledger would not take from one that has lost its lease is kept beside the outputs.
    let folder = RunsDir::below(stage.folder.path().join("runs")).of(*process_run_id);
    let note = std::fs::read_to_string(folder.join("unrecorded_evidence.json")).unwrap();
    assert!(
        note.contains("lease_lost") && note.contains("whatever it did before"),
        "{note}"
    );
}

/// Waits until the run hears notifications: at each one it renews its lease, and else in hours only.
async fn listened(stage: &Stage) {
    let client = stage.database.superuser().await;
    let end = async || {
        let leases = stage.wrapper.leases().await.unwrap();
        leases[0].expires_at
    };
    let before = end().await;
    while end().await == before {
        let notify = "SELECT pg_notify('dotwrap_gate', 'dot')";
        client.batch_execute(notify).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_call_that_takes_longer_than_its_lease_keeps_it() {
    let stage = Stage::open().await;
    let tools = Tools::honest().producer(|call, _| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        left(&call, "the work")
    });
    let outcome = stage.run(&tools, &short_lease()).await.unwrap();
    assert_eq!(
        concluded(&outcome).verdict,
        Some(Verdict::Pass),
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
    let outcome = stage.run(&tools, &RunOptions::default()).await.unwrap();
    let conclusion = concluded(&outcome);
    assert_eq!(
        (conclusion.status, conclusion.verdict),
        (StoredStatus::Cancelled, None)
    );
    assert_eq!(
        conclusion.error_ref,
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
    let order = RunOptions::default();
    stage
        .run_in(Mode::RealRun, &tools, &order, &progress, interrupt)
        .await
        .unwrap();
    assert_eq!(*known.lock().unwrap(), Some(StopReason::Interrupted));
}
