//! Calls that are stopped: what ends, and what the ledger keeps of it.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::site::{Pair, Site, end, is_running, signal};
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

/// The run is concluded as cancelled, with the receipt of the stop.
fn is_concluded(site: &Site, answer: Answer, reason: &str) {
    let run = answer.expect(1).json();
    assert_eq!(run["status"], "cancelled", "{run:#}");
    assert_eq!(run["error_ref"], format!("producer: {reason}"));
    assert_eq!(run["verifier"], Value::Null);
    let evidence = site.evidence(0);
    let stop = &evidence["stop"];
    assert_eq!(stop["reason"], reason);
    for list in ["told", "ended", "may_have_happened"] {
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
fn a_polite_end_concludes_the_run() {
    let (site, answer) = stopped_by(|_, run| signal(run, Signal::SIGTERM));
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
        "SIGTERM",
        "perhaps",
        "outcome      unknown",
    ] {
        assert!(shown.contains(fact), "{fact} is not in\n{shown}");
    }
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
    while is_running(tool) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(shown.contains("no row yet"), "{shown}");
    while site.0.call(&["reap", "--output", "json"]).expect(0).json() == serde_json::json!([]) {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    for fact in ["stuck", "outcome      unknown", "is not known"] {
        assert!(shown.contains(fact), "{fact} is not in\n{shown}");
    }
    site.holds();
}

#[test]
fn a_runner_that_stands_still_does_not_keep_its_tool_running_behind_its_lease() {
    let site = Site::with(&Pair::of_producer(LONG));
    let input = site.path("process").to_str().unwrap().to_owned();
    let words = Site::words("real-run", &["--input", &input, "--lease-ttl", "2"]);
    let run = site.start(&words);
    let tool = site.process_in("process");
    signal(&run, Signal::SIGSTOP);
    // Whoever comes next takes the lease over when it has run out; the tool that ran under it is gone by then.
    while site.0.call(&["reap", "--output", "json"]).expect(0).json() == serde_json::json!([]) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(!is_running(tool), "the tool goes on behind the lease");
    signal(&run, Signal::SIGCONT);
    let shown = end(run).expect(1).json();
    assert_eq!(shown["status"], "stuck", "{shown:#}");
    site.holds();
}
