//! Another attempt under the same key, and what somebody found out about a run.

use nix::sys::signal::Signal;

use super::site::{Pair, Site, is_running, signal, until};

#[test]
fn failed_run_is_followed_by_another_attempt_only_with_retry() {
    let site = Site::with(&Pair::default());
    let input = site.path("in").to_str().unwrap().to_owned();
    let words = ["--input", &input, "--key", "nightly"];
    let retry = [&words[..], &["--retry"]].concat();
    let first = site.run("real-run", &words).expect(1).json();
    site.file("in", "a\n");
    let same = site.run("real-run", &words).expect(1);
    assert!(
        same.messages.contains("--retry begins the next attempt"),
        "{}",
        same.messages
    );
    let same = same.json();
    assert_eq!(same["process_run_id"], first["process_run_id"]);
    assert_eq!(same["created"], false);
    let second = site.run("real-run", &retry).expect(0).json();
    assert_eq!(second["attempt"], 2);
    assert_eq!(second["verdict"], "pass");
    // A run that passed is the answer of every further call.
    let third = site.run("real-run", &retry).expect(0).json();
    assert_eq!(third["process_run_id"], second["process_run_id"]);
    assert_eq!(third["created"], false);
    let other = site.file("other", "a\n");
    let other = ["--input", &other, "--key", "nightly", "--retry"];
    site.run("real-run", &other).expect(5);
    site.holds();
}

#[test]
fn simulation_takes_no_retry_and_no_wait() {
    let site = Site::with(&Pair::default());
    for words in [&["--key", "k", "--retry"][..], &["--wait", "1m"]] {
        let failure = site.run("simulate", words).expect(2).failure();
        assert_eq!(failure["code"], "usage");
    }
    site.run("real-run", &["--retry"]).expect(2);
}

/// The runner is killed during the call. Its lease would live for ten minutes.
#[test]
fn run_of_a_killed_runner_is_concluded_at_once_and_repeated_when_it_is_resolved() {
    let site = Site::with(&Pair::of_producer(
        "if ! test -e '{input}.go'; then echo $$ > '{input}.new'; mv '{input}.new' '{input}'; sleep 600; fi; \
         echo > '{output}'",
    ));
    let input = site.path("process").to_str().unwrap().to_owned();
    let words = ["--input", &input, "--key", "nightly", "--lease-ttl", "600"];
    let mut killed = site.start(&Site::words("real-run", &words));
    let tool = site.process_in("process");
    signal(&killed, Signal::SIGKILL);
    killed.wait().unwrap();
    until(|| (!is_running(tool)).then_some(()));
    site.file("process.go", "");
    let retry = [&words[..], &["--retry"]].concat();
    let refused = site.run("real-run", &retry).expect(3).failure();
    assert_eq!(refused["code"], "outcome_unknown", "{refused}");
    let run = site.runs()[0].clone();
    assert_eq!(run["status"], "stuck");
    assert_eq!(run["evidence_ref"]["outcome"], "unknown");
    let id = run["process_run_id"].as_str().unwrap();
    let resolve = [
        "runs",
        "resolve",
        id,
        "--happened",
        "no",
        "--reason",
        "the file is not there",
    ];
    site.0.call(&resolve).expect(0);
    assert_eq!(site.runs()[0]["happened"], "no");
    let second = site.run("real-run", &retry).expect(0).json();
    assert_eq!(second["attempt"], 2);
    site.holds();
}
