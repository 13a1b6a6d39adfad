//! Calls that are stopped: what ends, and what the ledger keeps of it.

use dotwrap_testkit::own_control_group;
use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use super::site::{Pair, Site, end, is_running, signal, until};
use crate::support::Answer;

/// A tool that says which process it is and would take ten minutes.
const LONG: &str =
    "echo $$ > '{input}.new'; mv '{input}.new' '{input}'; sleep 600; echo > '{output}'";

/// Runs the long tool, and does something once it is running.
fn stopped_by(cause: impl FnOnce(&Site, &std::process::Child)) -> (Site, Answer) {
    let site = Site::with(&Pair::of_producer(LONG));
    let input = site.path("process").to_str().unwrap().to_owned();
    let run = site.start(&Site::words("real-run", &["--input", &input]));
    let tool = site.process_in("process");
    cause(&site, &run);
    let answer = end(run);
    assert!(!is_running(tool), "the tool goes on");
    (site, answer)
}

/// Whether reaping concluded a run.
fn reaps(site: &Site) -> Option<()> {
    let reaped = site.0.json(&["reap"]);
    (reaped != serde_json::json!([])).then_some(())
}

/// The run is concluded as cancelled, with the receipt of the stop.
fn is_concluded(site: &Site, answer: Answer, reason: &str) {
    let run = answer.expect(1).json();
    assert_eq!(run["status"], "cancelled", "{run:#}");
    assert_eq!(run["error_ref"], format!("producer: {reason}"));
    assert_eq!(run["verifier"], Value::Null);
    let evidence = site.evidence(0);
    let stop = &evidence["stop"];
    assert_eq!(stop["reason"], reason);
    for list in ["signals_sent", "exited", "possible_effects"] {
        assert!(!stop[list].as_array().unwrap().is_empty(), "{stop:#}");
    }
    assert_eq!(evidence["outcome"], "unknown");
    assert_eq!(site.lease(), "free");
    site.holds();
}

#[test]
fn ctrl_c_concludes_the_run() {
    let (site, answer) = stopped_by(|_, run| signal(run, Signal::SIGINT));
    is_concluded(&site, answer, "interrupted");
}

#[test]
fn sigterm_concludes_run() {
    let (site, answer) = stopped_by(|_, run| signal(run, Signal::SIGTERM));
    is_concluded(&site, answer, "interrupted");
}

#[test]
fn sigquit_concludes_the_run() {
    let (site, answer) = stopped_by(|_, run| signal(run, Signal::SIGQUIT));
    is_concluded(&site, answer, "interrupted");
}

#[test]
fn a_closed_terminal_concludes_the_run() {
    let (site, answer) = stopped_by(|_, run| signal(run, Signal::SIGHUP));
    is_concluded(&site, answer, "interrupted");
}

#[test]
fn a_gate_that_closes_stops_the_call() {
    let (site, answer) = stopped_by(|site, _| {
        site.0
            .call(&["gates", "close", "real_run_enabled", "--reason", "stop it"])
            .expect(0);
    });
    is_concluded(&site, answer, "gate_closed");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    for fact in [
        "stopped      gate_closed",
        "ended by     process_dot_runtime.real_run_enabled closed, tester: stop it",
        "SIGTERM",
        "possible     whatever the tool did",
        "outcome      unknown",
    ] {
        assert!(shown.contains(fact), "{fact} is not in\n{shown}");
    }
}

#[test]
fn somebody_stops_a_run_and_is_told_what_came_of_it() {
    let (site, answer) = stopped_by(|site, _| {
        let stop = [
            "runs",
            "stop",
            "last",
            "--reason",
            "the wrong input",
            "--actor",
            "ana",
        ];
        let told = site.0.json(&stop);
        assert_eq!(
            (&told["stopped_by"], &told["created"]),
            (&"ana".into(), &true.into())
        );
        assert_eq!(
            (&told["status"], &told["reason"]),
            (&"cancelled".into(), &"the wrong input".into())
        );
        assert!(told["concluded_at"].is_string(), "{told:#}");
        let reference = include_str!("../../../../../../docs/json.md");
        let section = reference
            .split("\n### ")
            .find(|section| section.starts_with("`runs stop`"))
            .unwrap();
        for field in told.as_object().unwrap().keys() {
            assert!(
                section.contains(&format!("`{field}`")),
                "docs/json.md does not name {field}"
            );
        }
    });
    is_concluded(&site, answer, "run_stopped");
    let run = &site.story("last")["run"];
    assert_eq!(
        (&run["stopped_by"], &run["stop_reason"]),
        (&"ana".into(), &"the wrong input".into())
    );
    assert_eq!(run["evidence_ref"]["stopped_by"], "ana");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(
        shown.contains("stopped by   ana: the wrong input"),
        "{shown}"
    );
    // A second stop changes nothing, and says who was first.
    let again = [
        "runs",
        "stop",
        "last",
        "--reason",
        "once more",
        "--actor",
        "bob",
    ];
    let messages = site.0.call(&again).expect(0).messages;
    assert!(
        messages.contains("ana had stopped it already"),
        "{messages}"
    );
}

#[test]
fn what_is_not_under_way_is_not_stopped() {
    let site = Site::with(&Pair::of_producer("echo a > '{output}'"));
    let stop = ["runs", "stop", "last", "--reason", "r"];
    assert_eq!(site.0.failure(&stop, 2)["code"], "run_unknown");
    site.run("real-run", &[]).expect(0);
    assert_eq!(site.0.failure(&stop, 3)["code"], "run_concluded");
}

fn with_a_long_grace(script: &str) -> Pair {
    Pair {
        invocation: "limits = { grace_ms = 60_000 }".to_owned(),
        ..Pair::of_producer(script)
    }
}

/// It works for its whole grace, which is longer than what an urgent stop leaves.
#[test]
fn a_closed_gate_leaves_a_tool_the_grace_of_its_contract() {
    let script = "trap 'sleep 1; echo dropped > dropped; exit 0' TERM; \
        echo $$ > '{input}.new'; mv '{input}.new' '{input}'; while :; do sleep 0.1; done";
    let site = Site::with(&with_a_long_grace(script));
    let input = site.path("process").to_str().unwrap().to_owned();
    let run = site.start(&Site::words("real-run", &["--input", &input]));
    site.process_in("process");
    site.0
        .call(&["gates", "close", "real_run_enabled", "--reason", "stop it"])
        .expect(0);
    is_concluded(&site, end(run), "gate_closed");
    let signals = site.evidence(0)["stop"]["signals_sent"].to_string();
    assert!(
        signals.contains("SIGTERM") && !signals.contains("SIGKILL"),
        "{signals}"
    );
}

#[test]
fn a_gate_that_is_closed_now_cuts_the_grace() {
    let script = "trap '' TERM; echo $$ > '{input}.new'; mv '{input}.new' '{input}'; while :; do sleep 1000; done";
    let site = Site::with(&with_a_long_grace(script));
    let input = site.path("process").to_str().unwrap().to_owned();
    let run = site.start(&Site::words("real-run", &["--input", &input]));
    site.process_in("process");
    site.0
        .call(&[
            "gates",
            "close",
            "real_run_enabled",
            "--now",
            "--reason",
            "stop it",
        ])
        .expect(0);
    is_concluded(&site, end(run), "gate_closed");
    let evidence = site.evidence(0);
    assert!(
        evidence["stop"]["signals_sent"]
            .to_string()
            .contains("SIGKILL"),
        "{evidence:#}"
    );
    assert!(
        evidence["duration_ms"].as_u64().unwrap() < 60_000,
        "{evidence:#}"
    );
    assert_eq!(
        site.story("last")["run"]["evidence_ref"]["stop_cause"]["now"],
        true
    );
}

/// Two gates: one ends by its clock while the tool works, the other is closed to new runs.
#[test]
fn a_run_finishes_behind_its_window_and_is_verified() {
    let script = "echo $$ > '{input}.new'; mv '{input}.new' '{input}'; \
        while ! test -e '{input}.go'; do sleep 0.05; done; echo a > '{output}'";
    let site = Site::with(&Pair::of_producer(script));
    let input = site.path("process").to_str().unwrap().to_owned();
    let short = [
        "gates",
        "open",
        "execute_enabled",
        "--for",
        "3s",
        "--reason",
        "short",
    ];
    site.0.call(&short).expect(0);
    let run = site.start(&Site::words("real-run", &["--input", &input]));
    site.process_in("process");
    let close = [
        "gates",
        "close",
        "real_run_enabled",
        "--let-finish",
        "--reason",
        "no more",
    ];
    let messages = site.0.call(&close).expect(0).messages;
    assert!(
        messages.contains("runs that are under way finish"),
        "{messages}"
    );
    until(|| (site.0.json(&["gates"])["posture"] == "NO_EXECUTE").then_some(()));
    std::fs::write(site.path("process.go"), "").unwrap();
    let answer = end(run).expect(0);
    assert!(
        answer
            .messages
            .contains("process_dot_runtime.execute_enabled ends at"),
        "{}",
        answer.messages
    );
    assert_eq!(answer.json()["verdict"], "pass");
    site.holds();
}

#[test]
fn a_runner_that_is_killed_takes_its_tool_along_and_leaves_an_unknown_outcome() {
    let site = Site::with(&Pair::of_producer(LONG));
    let input = site.path("process").to_str().unwrap().to_owned();
    let run = site.start(&Site::words(
        "real-run",
        &["--input", &input, "--lease-ttl", "1"],
    ));
    let tool = site.process_in("process");
    signal(&run, Signal::SIGKILL);
    run.wait_with_output().unwrap();
    until(|| (!is_running(tool)).then_some(()));
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    for fact in [
        "DOT_MAKE · no row yet",
        "may call     command:sh",
        "not called yet",
    ] {
        assert!(shown.contains(fact), "{fact} is not in\n{shown}");
    }
    let receipts = site.story("last")["receipts"].clone();
    assert_eq!(receipts[0]["state"], "open", "{receipts}");
    assert_eq!(receipts[0]["posture"], "REAL_RUN");
    assert_eq!(receipts.as_array().unwrap().len(), 1);
    until(|| reaps(&site));
    assert_eq!(site.story("last")["receipts"][0]["state"], "unknown");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    for fact in ["stuck", "outcome      unknown", "is not known"] {
        assert!(shown.contains(fact), "{fact} is not in\n{shown}");
    }
    site.holds();
}

/// A real run's tool may do that. What it leaves is found by its control group, where there is one.
#[test]
fn what_a_tool_left_that_killed_everybody_is_ended_by_reap() {
    let site = Site::with(&Pair::of_producer(
        "(setsid env -i sh -c 'echo $$ > ../../../../daemon; exec sleep 600' >/dev/null 2>&1 &)\n\
         while ! test -s ../../../../daemon; do sleep 0.02; done\n\
         kill -9 $(cut -d ' ' -f 4 /proc/$PPID/stat) $PPID",
    ));
    let run = site.start(&Site::words("real-run", &["--lease-ttl", "1"]));
    let daemon = site.process_in("daemon");
    assert_eq!(run.wait_with_output().unwrap().status.code(), None);
    until(|| reaps(&site));
    assert_eq!(site.story("last")["run"]["status"], "stuck");
    if own_control_group().is_some() {
        // Whoever is its parent now may never ask how it ended.
        until(|| {
            let status = format!("/proc/{daemon}/status");
            let status = std::fs::read_to_string(status).unwrap_or_default();
            (status.is_empty() || status.contains("State:\tZ")).then_some(())
        });
    } else {
        kill(daemon, Signal::SIGKILL).unwrap();
    }
    site.holds();
}

#[test]
fn the_key_of_a_run_whose_runner_was_killed_is_not_answered_as_if_it_were_done() {
    let site = Site::with(&Pair::of_producer(LONG));
    let input = site.path("process").to_str().unwrap().to_owned();
    let words = Site::words(
        "real-run",
        &["--input", &input, "--lease-ttl", "5", "--key", "nightly"],
    );
    let run = site.start(&words);
    site.process_in("process");
    let meanwhile = site.0.call(&words).expect(4);
    assert_eq!(meanwhile.json()["status"], "started");
    signal(&run, Signal::SIGKILL);
    run.wait_with_output().unwrap();
    let told = until(|| {
        let again = site.0.call(&words);
        (again.json()["status"] != "started").then_some(again)
    });
    let told = told.expect(1).json();
    assert_eq!(told["status"], "stuck", "{told:#}");
    assert_eq!(told["created"], false);
    assert_eq!(site.runs().len(), 1);
    site.holds();
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_says_what_is_left_to_do() {
    let site = Site::with(&Pair::of_producer(&format!("trap '' TERM; {LONG}")));
    let input = site.path("process").to_str().unwrap().to_owned();
    let mut run = site.start(&Site::words("real-run", &["--input", &input]));
    let tool = site.process_in("process");
    // Two that come before the first was heard are one.
    until(|| {
        signal(&run, Signal::SIGINT);
        run.try_wait().unwrap()
    });
    let answer = end(run).expect(130);
    assert!(
        answer.messages.contains("dotwrap reap"),
        "{}",
        answer.messages
    );
    until(|| (!is_running(tool)).then_some(()));
}

#[test]
fn sigstopped_runner_tool_ends_at_lease_deadline() {
    let site = Site::with(&Pair::of_producer(LONG));
    let input = site.path("process").to_str().unwrap().to_owned();
    let words = Site::words("real-run", &["--input", &input, "--lease-ttl", "2"]);
    let run = site.start(&words);
    let tool = site.process_in("process");
    signal(&run, Signal::SIGSTOP);
    // Whoever comes next takes the lease over when it has run out; the tool that ran under it is gone by then.
    until(|| reaps(&site));
    assert!(!is_running(tool), "the tool goes on behind the lease");
    signal(&run, Signal::SIGCONT);
    let shown = end(run).expect(1).json();
    assert_eq!(shown["status"], "stuck", "{shown:#}");
    site.holds();
}
