//! A call ends when it has to, and says what became of it.

use std::time::Duration;

use dotwrap_invoke::{CallOutcome, StopHandle, StopReason};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Case, WAIT_LIMIT, failure, is_gone};

/// A time limit in which a shell has written its first file even on a machine that is busy otherwise, in milliseconds.
const LONG: i32 = 5000;

const IGNORING: &str = "trap '' TERM; echo $$ >process; while :; do sleep 1000; done";

#[tokio::test]
async fn a_stop_before_the_call_starts_nothing() {
    let (handle, stop) = StopHandle::new();
    handle.stop(StopReason::GateClosed);
    let case = Case::script("touch made", json!({}));
    let answer = case.run_until(stop).await;
    let CallOutcome::Stopped(record) = answer.ending else {
        panic!("{:?}", answer.ending);
    };
    assert_eq!(record.reason, StopReason::GateClosed);
    assert!(record.signals_sent.is_empty() && record.possible_effects.is_empty());
    assert!(!case.call.folder.join("work").exists());
}

#[tokio::test]
async fn a_stop_ends_the_tool_and_leaves_a_receipt() {
    let (handle, stop) = StopHandle::new();
    let case = Case::script("echo $$ >process; sleep 1000 & sleep 1000", json!({}));
    let stopping = async {
        let process = case.process_in("process").await;
        handle.stop(StopReason::LeaseLost);
        process
    };
    let (answer, process) = tokio::join!(case.run_until(stop), stopping);
    assert!(is_gone(process));
    let CallOutcome::Stopped(record) = answer.ending else {
        panic!("{:?}", answer.ending);
    };
    assert_eq!(record.reason, StopReason::LeaseLost);
    assert!(
        record.signals_sent[0].starts_with(&format!("SIGTERM to process group {process}")),
        "{:?}",
        record.signals_sent
    );
    assert_eq!(record.signals_sent.len(), 1, "{:?}", record.signals_sent);
    assert!(
        record
            .exited
            .contains(&format!("process {process} by signal 15")),
        "{:?}",
        record.exited
    );
    assert_eq!(record.possible_effects.len(), 1);
    assert!(answer.verdict.is_none() && answer.output.is_none());
}

#[tokio::test]
async fn a_tool_that_ignores_sigterm_is_killed() {
    let (handle, stop) = StopHandle::new();
    let case = Case::script(IGNORING, json!({"limits": {"grace_ms": 100}}));
    let stopping = async {
        let process = case.process_in("process").await;
        handle.stop(StopReason::Interrupted);
        process
    };
    let (answer, process) = tokio::join!(case.run_until(stop), stopping);
    assert!(is_gone(process));
    let CallOutcome::Stopped(record) = answer.ending else {
        panic!("{:?}", answer.ending);
    };
    assert!(
        record.signals_sent[1].starts_with("SIGKILL"),
        "{:?}",
        record.signals_sent
    );
    assert!(
        record
            .exited
            .contains(&format!("process {process} by signal 9"))
    );
}

/// A tool that holds locks of its own can give them back.
#[tokio::test]
async fn a_closed_gate_leaves_the_whole_grace() {
    let (handle, stop) = StopHandle::new();
    let script = "trap 'sleep 1; echo given back > back; exit 0' TERM; echo $$ > process; while :; do sleep 0.1; done";
    let case = Case::script(script, json!({"limits": {"grace_ms": 60_000}}));
    let stopping = async {
        let process = case.process_in("process").await;
        handle.stop(StopReason::GateClosed);
        process
    };
    let (answer, process) = tokio::join!(case.run_until(stop), stopping);
    assert!(is_gone(process));
    let CallOutcome::Stopped(record) = answer.ending else {
        panic!("{:?}", answer.ending);
    };
    assert_eq!(record.reason, StopReason::GateClosed);
    assert!(
        record
            .signals_sent
            .iter()
            .all(|sent| !sent.contains("SIGKILL")),
        "{:?}",
        record.signals_sent
    );
}

/// While it is in its grace, somebody says now.
#[tokio::test]
async fn a_stop_that_becomes_urgent_cuts_the_grace_short() {
    let (handle, stop) = StopHandle::new();
    let script = "trap 'echo $$ > told' TERM; echo $$ > process; while :; do sleep 0.1; done";
    let case = Case::script(script, json!({"limits": {"grace_ms": 60_000}}));
    let stopping = async {
        let process = case.process_in("process").await;
        handle.stop(StopReason::GateClosed);
        case.process_in("told").await;
        handle.stop_now(StopReason::GateClosed);
        process
    };
    let (answer, process) = tokio::join!(case.run_until(stop), stopping);
    assert!(is_gone(process));
    let duration = answer.evidence["duration_ms"].as_u64().unwrap();
    assert!(duration < 30_000, "{duration} ms: the whole grace");
    let CallOutcome::Stopped(record) = answer.ending else {
        panic!("{:?}", answer.ending);
    };
    assert!(record.signals_sent[1].starts_with("SIGKILL"), "{record:?}");
}

/// A contract cannot keep a tool going behind a gate that is closed at once, or a lost lease.
#[tokio::test]
async fn an_urgent_stop_cuts_the_grace_short() {
    let (handle, stop) = StopHandle::new();
    let case = Case::script(IGNORING, json!({"limits": {"grace_ms": 60_000}}));
    let stopping = async {
        let process = case.process_in("process").await;
        handle.stop(StopReason::LeaseLost);
        process
    };
    let (answer, process) = tokio::join!(case.run_until(stop), stopping);
    assert!(is_gone(process));
    let duration = answer.evidence["duration_ms"].as_u64().unwrap();
    assert!(
        duration < 30_000,
        "{duration} ms: the contract's whole grace"
    );
}

#[tokio::test]
async fn the_deadline_ends_it_and_nobody_knows_what_it_did() {
    let case = Case::script(IGNORING, json!({"limits": {"grace_ms": 100}})).time_limit(LONG);
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "deadline");
    assert!(failure(&answer).outcome_unknown);
    assert_eq!(
        answer.evidence["limits"]["limit_reached"],
        json!(["timeout_ms"])
    );
    assert!(is_gone(case.process_in("process").await));
}

#[tokio::test]
async fn a_stopped_process_is_ended_too() {
    let case = Case::script("echo $$ >process; kill -STOP $$", json!({})).time_limit(LONG);
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "deadline");
    assert!(is_gone(case.process_in("process").await));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_ended() {
    let case = Case::script("echo $$ >process; sleep 1000", json!({}));
    let process = tokio::select! {
        _ = case.run() => panic!("it sleeps"),
        process = case.process_in("process") => process,
    };
    crate::support::wait_until_gone(process).await;
}

#[tokio::test]
async fn tool_is_killed_at_lease_deadline() {
    let (handle, stop) = StopHandle::new();
    handle.extend_deadline(Instant::now() + WAIT_LIMIT);
    let case = Case::script("echo $$ >process; sleep 1000", json!({}));
    let shortening = async {
        let process = case.process_in("process").await;
        handle.extend_deadline(Instant::now() + Duration::from_millis(900));
        process
    };
    let (answer, process) = tokio::join!(case.run_until(stop), shortening);
    assert!(is_gone(process));
    let CallOutcome::Stopped(record) = answer.ending else {
        panic!("{:?}", answer.ending);
    };
    assert_eq!(record.reason, StopReason::LeaseLost);
    assert!(
        record.signals_sent[0].starts_with("SIGTERM"),
        "{:?}",
        record.signals_sent
    );
    assert!(answer.output.is_none());
}

#[tokio::test]
async fn renewed_deadline_is_honoured() {
    let (handle, stop) = StopHandle::new();
    let leave = Duration::from_secs(4);
    let began = Instant::now();
    handle.extend_deadline(began + leave);
    let waiting = "echo $$ >process; while ! test -s stop; do sleep 0.1; done";
    let case = Case::script(waiting, json!({}));
    let renewing = async {
        case.process_in("process").await;
        while began.elapsed() < leave + Duration::from_millis(500) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            handle.extend_deadline(Instant::now() + leave);
        }
        handle.extend_deadline(Instant::now() + WAIT_LIMIT);
        case.write("stop", "now");
    };
    let (answer, ()) = tokio::join!(case.run_until(stop), renewing);
    assert!(
        matches!(answer.ending, CallOutcome::Completed),
        "{:?}",
        answer.ending
    );
}
