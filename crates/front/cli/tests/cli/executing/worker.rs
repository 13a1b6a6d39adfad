//! Requested runs, and the workers that execute them.

use std::io::{BufRead, BufReader};

use nix::sys::signal::Signal;

use super::site::{CANDIDATE, PRODUCER, Pair, Site, end, signal};

fn request(site: &Site, key: &str, input: &str) {
    let words = [
        "requests",
        "add",
        PRODUCER,
        "--candidate",
        CANDIDATE,
        "--mode",
        "real-run",
    ];
    site.0
        .call(&[&words[..], &["--key", key, "--input", input]].concat())
        .expect(0);
}

fn outcomes(site: &Site) -> Vec<String> {
    let requests = site.0.json(&["requests", "ls"]);
    let requests = requests.as_array().unwrap().iter();
    requests
        .map(|request| format!("{} {}", request["outcome"], request["run_verdict"]))
        .collect()
}

const ONCE: [&str; 4] = ["worker", "--once", "--runs-folder", "runs"];

#[test]
fn a_worker_serves_what_was_requested_and_ends() {
    let site = Site::with(&Pair::default());
    let input = site.file("in", "a\n");
    request(&site, "first", &input);
    request(&site, "second", &input);
    request(&site, "second", &input);
    site.0.call(&ONCE).expect(0);
    assert_eq!(outcomes(&site), [r#""concluded" "pass""#; 2]);
    assert_eq!(site.runs().len(), 2);
    let nothing = site.0.call(&ONCE).expect(0);
    assert!(
        nothing.messages.contains("nothing was left to do"),
        "{}",
        nothing.messages
    );
    site.holds();
}

#[test]
fn a_worker_that_ends_by_itself_says_what_still_waits_and_why() {
    let site = Site::closed(&Pair::default());
    let input = site.file("in", "a\n");
    request(&site, "closed", &input);
    let words = [
        "requests", "add", PRODUCER, "--mode", "dry-run", "--in", "1h",
    ];
    site.0.call(&words).expect(0);
    let said = site.0.call(&ONCE).expect(0).messages;
    assert!(
        said.contains("the gates do not allow it (NO_EXECUTE)"),
        "{said}"
    );
    assert!(said.contains("not due before 2"), "{said}");
}

#[test]
fn a_worker_that_ends_by_itself_ends_with_1_when_a_run_of_it_failed() {
    let site = Site::with(&Pair::of_verifier("exit 1"));
    let input = site.file("in", "a\n");
    request(&site, "fails", &input);
    let words = [&ONCE[..], &["-q"]].concat();
    let said = site.0.call(&words).expect(1).messages;
    assert!(said.contains("FAILED VERIFICATION: DOT_MAKE"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    site.0.call(&ONCE).expect(0);
}

#[test]
fn two_workers_call_each_requested_run_once() {
    let pair = Pair::of_producer("echo once >> '{input}'; echo > '{output}'");
    let site = Site::with(&pair);
    let count = site.file("count", "");
    for number in 0..6 {
        request(&site, &number.to_string(), &count);
    }
    let workers = [site.start(&ONCE), site.start(&ONCE)];
    for worker in workers {
        end(worker).expect(0);
    }
    // Where one worker met the other's lease, the request waits; the next worker that looks serves it.
    super::site::until(|| {
        let are_all_served = !outcomes(&site).iter().any(|one| one.contains("null"));
        if !are_all_served {
            site.0.call(&ONCE).expect(0);
        }
        are_all_served.then_some(())
    });
    assert_eq!(outcomes(&site), [r#""concluded" "pass""#; 6]);
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "once\n".repeat(6));
    assert_eq!(site.runs().len(), 6);
    site.holds();
}

#[test]
fn a_worker_that_is_to_be_replaced_finishes_what_it_has_begun_and_claims_nothing_more() {
    let site = Site::with(&Pair::of_producer(
        "echo $$ > '{input}.new'; mv '{input}.new' '{input}'; \
         while ! test -e '{input}.go'; do sleep 0.02; done; echo > '{output}'",
    ));
    let input = site.path("process").to_str().unwrap().to_owned();
    request(&site, "begun", &input);
    let mut worker = site.start(&["worker", "--jobs", "2", "--runs-folder", "runs"]);
    let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
    site.process_in("process");
    super::site::signal(&worker, nix::sys::signal::Signal::SIGUSR1);
    assert!(said.any(|line| line.unwrap().contains("nothing more is claimed")));
    request(&site, "later", &input);
    site.file("process.go", "");
    end(worker).expect(0);
    assert_eq!(site.runs()[0]["status"], "completed");
    assert_eq!(outcomes(&site), ["null null", r#""concluded" "pass""#]);
}

#[test]
fn an_idle_worker_that_is_to_be_replaced_ends_well() {
    let site = Site::closed(&Pair::default());
    let mut worker = site.start(&["worker"]);
    let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("waits for requests")));
    super::site::signal(&worker, nix::sys::signal::Signal::SIGUSR1);
    end(worker).expect(0);
}

/// A pair whose producer tells its process and then takes its time, until the file `<input>.go` is there.
fn slow() -> Pair {
    Pair::of_producer(
        "echo $$ > '{input}.new'; mv '{input}.new' '{input}'; \
         while ! test -e '{input}.go'; do sleep 0.02; done; echo > '{output}'",
    )
}

#[test]
fn terminated_worker_finishes_its_runs_and_claims_nothing_more() {
    let site = Site::with(&slow());
    let input = site.path("process").to_str().unwrap().to_owned();
    request(&site, "begun", &input);
    let mut worker = site.start(&["worker", "--jobs", "2", "--runs-folder", "runs"]);
    let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
    site.process_in("process");
    signal(&worker, Signal::SIGTERM);
    assert!(said.any(|line| line.unwrap().contains("nothing more is claimed")));
    request(&site, "later", &input);
    site.file("process.go", "");
    end(worker).expect(0);
    assert_eq!(outcomes(&site), ["null null", r#""concluded" "pass""#]);
}

#[test]
fn worker_stops_its_calls_when_the_time_for_draining_is_over() {
    let site = Site::with(&slow());
    let input = site.path("process").to_str().unwrap().to_owned();
    request(&site, "long", &input);
    let words = ["worker", "--runs-folder", "runs", "--drain-timeout", "0s"];
    let worker = site.start(&words);
    let tool = site.process_in("process");
    signal(&worker, Signal::SIGTERM);
    end(worker).expect(1);
    assert!(!super::site::is_running(tool));
    assert_eq!(site.runs()[0]["status"], "cancelled");
    // Nobody knows what the stopped tool did, and its contract does not say that it may be repeated.
    assert_eq!(outcomes(&site), [r#""concluded" null"#]);
}

#[test]
fn what_a_worker_stopped_waits_again_if_it_may_be_repeated() {
    let site = Site::with(&slow());
    let text = slow()
        .catalogue()
        .replace("timeout_ms", "may_repeat = true\ntimeout_ms");
    site.file("pair.toml", &text);
    site.0
        .call(&["tools", "import", "pair.toml", "--reason", "it is a backup"])
        .expect(0);
    let input = site.path("process").to_str().unwrap().to_owned();
    request(&site, "long", &input);
    let mut worker = site.start(&["worker", "--runs-folder", "runs"]);
    let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
    site.process_in("process");
    signal(&worker, Signal::SIGTERM);
    assert!(said.any(|line| line.unwrap().contains("at a second signal")));
    signal(&worker, Signal::SIGTERM);
    end(worker).expect(1);
    assert_eq!(outcomes(&site), ["null null"]);
    site.file("process.go", "");
    site.0.call(&ONCE).expect(0);
    assert_eq!(outcomes(&site), [r#""concluded" "pass""#]);
    let runs = site.runs();
    assert_eq!(
        (&runs[0]["attempt"], &runs[1]["attempt"]),
        (&2.into(), &1.into())
    );
    site.holds();
}

#[test]
fn request_is_claimed_by_a_worker_with_the_labels_and_the_input() {
    let site = Site::with(&Pair::default());
    let text = Pair::default()
        .catalogue()
        .replace("timeout_ms", "requires = [\"site=b\"]\ntimeout_ms");
    site.file("pair.toml", &text);
    site.0
        .call(&[
            "tools",
            "import",
            "pair.toml",
            "--reason",
            "it is at site b",
        ])
        .expect(0);
    let input = site.file("in", "a\n");
    request(&site, "here", &input);
    let said = site.0.call(&ONCE).expect(0).messages;
    assert!(said.contains("still waits"), "{said}");
    let labelled = [&ONCE[..], &["--label", "site=b"]].concat();
    site.0.call(&labelled).expect(0);
    assert_eq!(outcomes(&site), [r#""concluded" "pass""#]);
    let elsewhere = site.path("elsewhere").to_str().unwrap().to_owned();
    request(&site, "elsewhere", &elsewhere);
    let said = site.0.call(&labelled).expect(0).messages;
    assert!(said.contains("input_not_here"), "{said}");
    assert_eq!(site.runs().len(), 1);
}

#[test]
fn paused_tool_is_not_run_and_its_requests_wait() {
    let site = Site::with(&Pair::default());
    let input = site.file("in", "a\n");
    request(&site, "paused", &input);
    let pause = [
        "tools",
        "pause",
        PRODUCER,
        "--for",
        "2h",
        "--reason",
        "its disk is replaced",
    ];
    site.0.call(&pause).expect(0);
    let refused = site
        .run("real-run", &["--input", &input])
        .expect(3)
        .failure();
    assert_eq!(refused["code"], "tool_paused");
    site.0.call(&ONCE).expect(0);
    assert_eq!(outcomes(&site), ["null null"]);
    site.0.call(&["tools", "resume", PRODUCER]).expect(0);
    site.0.call(&ONCE).expect(0);
    assert_eq!(outcomes(&site), [r#""concluded" "pass""#]);
}
