//! Tools that do not want to end, or want somebody else to.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use dotwrap_invoke::{Answer, CallOutcome, Stop, StopHandle, StopReason};
use dotwrap_supervisor::Supervisor;
use dotwrap_testkit::own_control_group;
use serde_json::json;

use crate::support::{Case, failure, is_gone};

/// Forks twice, leaves its session, ignores SIGTERM, closes what it inherited.
const DAEMON: &str = r#"(setsid sh -c 'trap "" TERM HUP; echo $$ >daemon; while :; do sleep 1000; done' </dev/null >/dev/null 2>&1 &)
while ! test -s daemon; do :; done; "#;

#[tokio::test]
async fn a_daemon_that_left_its_session_is_ended_with_the_tool() {
    let case = Case::script(
        &format!("{DAEMON} echo done"),
        json!({"limits": {"grace_ms": 100}}),
    );
    let answer = case.run().await;
    assert_eq!(answer.ending, CallOutcome::Completed);
    assert!(is_gone(case.process_in("daemon").await));
    assert_eq!(
        answer.evidence["lingering_processes"]["names"][0],
        json!("sh")
    );
    assert!(!answer.evidence.contains_key("unkilled_processes"));
}

#[tokio::test]
async fn a_daemon_is_ended_at_the_deadline() {
    let script = format!("{DAEMON} sleep 1000");
    let case = Case::script(&script, json!({"limits": {"grace_ms": 100}})).time_limit(5000);
    assert_eq!(failure(&case.run().await).code, "deadline");
    assert!(is_gone(case.process_in("daemon").await));
}

#[tokio::test]
async fn fork_bomb_daemon_is_killed() {
    let script = r#"(setsid sh -c 'trap "" TERM; echo $$ >daemon; while :; do (setsid sleep 1000 &); sleep 0.01; done' &)
while ! test -s daemon; do :; done"#;
    let case = Case::script(script, json!({"limits": {"grace_ms": 300}}));
    let answer = case.run().await;
    assert!(is_gone(case.process_in("daemon").await));
    assert!(
        !answer.evidence.contains_key("unkilled_processes"),
        "{:?}",
        answer.evidence
    );
}

#[tokio::test]
async fn a_daemon_that_holds_the_output_open_does_not_hold_up_the_call() {
    let script = "(setsid sh -c 'echo $$ >daemon; sleep 1000' &) ; while ! test -s daemon; do :; done; echo done";
    let case = Case::script(script, json!({}));
    let answer = case.run().await;
    assert_eq!(crate::support::printed(&answer), "done\n");
    assert!(is_gone(case.process_in("daemon").await));
}

#[tokio::test]
async fn in_a_dry_run_it_can_not_signal_its_supervisor() {
    let case = Case::script(
        "kill -9 $PPID 2>/dev/null && echo killed; echo on",
        json!({}),
    );
    assert_eq!(crate::support::printed(&case.run().await), "on\n");
}

#[tokio::test]
async fn real_run_tool_killing_supervisor_leaves_outcome_unknown() {
    let script = format!("{DAEMON} kill -9 $PPID; sleep 1000");
    let case = Case::script(&script, json!({})).for_real();
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "supervisor_lost");
    assert!(failure(&answer).outcome_unknown);
    crate::support::wait_until_gone(case.process_in("daemon").await).await;
}

#[tokio::test]
async fn what_left_session_and_environment_is_ended_with_a_lost_supervisor() {
    // A real run's tool may leave its control group as well.
    let leave = own_control_group().map_or("/dev/null".into(), |own| own.join("cgroup.procs"));
    let script = r#"cp "$(command -v sleep)" "$(printf 'sl\377eep')"
(setsid env -i sh -c 'echo 0 >LEAVE; trap "" TERM; (setsid env -i ./sl* 1000 & echo $! >child); echo $$ >daemon; sleep 1000' &)
while ! test -s daemon; do :; done; kill -9 $PPID; sleep 1000"#;
    let script = script.replace("LEAVE", leave.to_str().unwrap());
    let case = Case::script(&script, json!({})).for_real();
    // Of another tool, whose supervisor lives, nothing is touched, nor of a child that is no tool.
    let mut neighbour = Command::new("setpriv")
        .args(["--no-new-privs", "sleep", "1000"])
        .spawn()
        .unwrap();
    let other = "echo $$ >up; while ! test -s stop; do sleep 0.01; done; echo on";
    let other = Case::script(other, json!({})).for_real();
    let (answer, printed) = tokio::join!(
        async {
            other.process_in("up").await;
            let answer = case.run().await;
            other.write("stop", "now");
            answer
        },
        other.run(),
    );
    assert_eq!(failure(&answer).code, "supervisor_lost");
    assert!(
        !answer.evidence.contains_key("unkilled_processes"),
        "{:?}",
        answer.evidence
    );
    let told = answer.evidence["signals_sent"][0].as_str().unwrap();
    assert!(told.starts_with("SIGKILL to "), "{told}");
    for name in ["daemon", "child"] {
        assert!(is_gone(case.process_in(name).await), "{name}");
    }
    assert_eq!(crate::support::printed(&printed), "on\n");
    assert_eq!(neighbour.try_wait().unwrap(), None);
    neighbour.kill().unwrap();
    neighbour.wait().unwrap();
}

#[tokio::test]
async fn a_tool_that_kills_its_supervisor_at_once_is_not_said_to_have_never_run() {
    for _ in 0..20 {
        let script = "kill -9 $PPID; (setsid env -i sleep 1000 & echo $! >child); sleep 1000";
        let case = Case::script(script, json!({})).for_real();
        let answer = case.run().await;
        assert_eq!(failure(&answer).code, "supervisor_lost");
        assert!(failure(&answer).outcome_unknown);
    }
}

#[tokio::test]
async fn a_supervisor_that_was_halted_is_not_waited_for_for_ever() {
    let script = format!("{DAEMON} kill -STOP $PPID; sleep 1000");
    let limits = json!({"limits": {"grace_ms": 100}});
    let case = Case::script(&script, limits).for_real().time_limit(5000);
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "supervisor_lost");
    assert_eq!(
        answer.evidence["signals_sent"][0],
        json!("SIGKILL to its supervisor, which was halted")
    );
    crate::support::wait_until_gone(case.process_in("daemon").await).await;
}

/// With the longest grace, and so with a supervisor that would be waited for for longer than that.
#[tokio::test]
async fn a_tool_that_halts_its_supervisor_does_not_outlive_a_closed_gate() {
    let script = format!(
        "{DAEMON} trap '' TERM; echo $$ >process; while :; do kill -STOP $PPID; date >>ticks; echo $$ >halted; sleep 0.01; done"
    );
    let limits = json!({"limits": {"grace_ms": 30_000}});
    let case = Case::script(&script, limits).for_real();
    let (handle, stop) = StopHandle::new();
    let stopping = async {
        let process = case.process_in("halted").await;
        handle.stop(StopReason::GateClosed);
        process
    };
    let (answer, process) = tokio::join!(case.run_until(stop), stopping);
    assert!(is_gone(process));
    assert!(is_gone(case.process_in("daemon").await));
    let CallOutcome::Stopped(record) = answer.ending else {
        panic!("{:?}", answer.ending);
    };
    assert_eq!(record.reason, StopReason::GateClosed);
    assert_eq!(
        record.signals_sent[0],
        "SIGKILL to its supervisor, which was halted"
    );
    let gone = format!("process {process} is gone");
    assert!(record.exited.contains(&gone), "{:?}", record.exited);
    let unknown = record.possible_effects.last().unwrap();
    assert!(unknown.contains("its supervisor was lost"), "{unknown}");
    let duration = answer.evidence["duration_ms"].as_u64().unwrap();
    assert!((1..30_000).contains(&duration), "{duration} ms");
    assert_eq!(answer.evidence["usage"], json!(null));
    assert_eq!(answer.evidence["stderr"]["bytes"], json!(null));
    let missing = answer.evidence["limits"]["not_enforced"].to_string();
    assert!(missing.contains("the supervisor was halted"), "{missing}");
}

/// A supervisor that is a script: what somebody can make of the real one when it has its order and has not said a word.
async fn called_by(script: &str) -> Answer {
    let case = Case::script("true", json!({})).for_real().time_limit(100);
    let path = case.outside().join("supervisor");
    fs::write(
        &path,
        format!("#!/bin/sh\ndd bs=1M count=1 <&2 >/dev/null 2>/dev/null\n{script}\n"),
    )
    .unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    case.run_by(Supervisor::with_executable(path), Stop::never())
        .await
}

#[tokio::test]
async fn silent_supervisor_times_out_as_unknown() {
    for script in ["kill -STOP $$", "kill -9 $$", "exit 101"] {
        let answer = called_by(script).await;
        assert_eq!(failure(&answer).code, "supervisor_lost", "{script}");
        assert!(failure(&answer).outcome_unknown, "{script}");
        let missing = answer.evidence["sandbox"]["missing"].to_string();
        assert!(missing.contains("the supervisor was lost"), "{missing}");
    }
    let answer = called_by("exit 2").await;
    assert_eq!(failure(&answer).code, "not_started");
    assert!(!failure(&answer).outcome_unknown);
}
