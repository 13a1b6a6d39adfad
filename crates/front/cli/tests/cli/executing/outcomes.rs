//! What becomes of a run, and how the program ends with it.

use crate::assert_answer;

use super::site::{CANDIDATE, Pair, Site};

#[test]
fn a_pair_runs_dry_and_for_real_and_its_candidate_climbs() {
    let site = Site::with(&Pair::default());
    let input = site.file("in/text", "a text\n");
    let dry = site.run("dry-run", &["--input", &input]).expect(0).json();
    assert_eq!(dry["verdict"], "pass");
    assert_eq!(dry["producer"]["evidence_type"], "DRY_RUN");
    assert_eq!(site.rung(), "dry_run_observed");
    let real = site.run("real-run", &["--input", &input]).expect(0).json();
    assert_eq!(real["producer"]["evidence_type"], "REAL_RUN");
    assert_eq!(real["verifier"]["evidence_type"], "REAL_RUN");
    assert_eq!(site.rung(), "verified_candidate");
    let folder = std::path::Path::new(real["folder"].as_str().unwrap());
    let left = std::fs::read_to_string(folder.join("producer/output")).unwrap();
    assert_eq!(left, "a text\n");
    let ladder = |site: &Site| site.0.json(&["ladder", CANDIDATE])[0]["contracts_current"].clone();
    assert_eq!(ladder(&site), true);
    let changed = Pair::default().catalogue().replace("60000", "59000");
    site.file("pair.toml", &changed);
    site.0.call(&["tools", "import", "pair.toml"]).expect(0);
    assert_eq!(ladder(&site), false);
    let said = site.0.call(&["ladder", CANDIDATE]).expect(0).output;
    assert!(said.contains("(contract changed)"), "{said}");
    for component in site.story("last")["components"].as_array().unwrap() {
        assert!(component["invocation_id"].is_string(), "{component:#}");
    }
    site.holds();
}

#[test]
fn what_is_simulated_calls_nothing() {
    let site = Site::with(&Pair::of_producer("touch called; echo > '{output}'"));
    site.run("simulate", &[]).expect(0);
    assert!(!site.path("runs").exists());
    assert_eq!(site.rung(), "simulated_observed");
}

#[test]
fn a_verifier_that_says_no_ends_with_1() {
    let site = Site::with(&Pair::of_verifier("echo it is wrong; exit 1"));
    let run = site.run("real-run", &[]).expect(1).json();
    assert_eq!(run["verdict"], "fail");
    assert_eq!(run["status"], "completed");
    assert_eq!(site.rung(), "real_run_observed");
    assert_eq!(site.lease(), "free");
    site.holds();
}

#[test]
fn a_verifier_that_could_not_tell_ends_with_1_too() {
    let site = Site::with(&Pair::of_verifier("kill -9 $$"));
    let run = site.run("real-run", &[]).expect(1).json();
    assert_eq!(run["verdict"], "error");
    assert_eq!(run["status"], "failed");
    assert_eq!(run["error_ref"], "verifier: signal");
    site.holds();
}

#[test]
fn a_producer_that_fails_is_not_verified_and_the_run_says_where() {
    let site = Site::with(&Pair::of_producer("echo > '{output}'; exit 7"));
    let answer = site.run("real-run", &[]).expect(1);
    let run = answer.json();
    assert_eq!(run["status"], "failed");
    assert_eq!(run["verdict"], serde_json::Value::Null);
    assert_eq!(run["error_ref"], "producer: exit_status");
    assert_eq!(run["producer"]["failure"], "it ended with exit status 7");
    assert_eq!(run["verifier"], serde_json::Value::Null);
    assert_eq!(site.evidence(0)["exit_status"], 7);
    assert_eq!(site.lease(), "free");
    site.holds();
}

#[test]
fn a_key_that_was_used_calls_nothing() {
    let site = Site::with(&Pair::of_producer(
        "echo once >> '{input}'; echo > '{output}'",
    ));
    let count = site.file("count", "");
    let words = ["--input", &count, "--key", "nightly"];
    let first = site.run("real-run", &words).expect(0).json();
    let second = site.run("real-run", &words).expect(0).json();
    assert_eq!(first["created"], true);
    assert_eq!(second["created"], false);
    assert_eq!(first["process_run_id"], second["process_run_id"]);
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "once\n");
    site.run("dry-run", &words).expect(5);
    assert_eq!(site.runs().len(), 1);
}

#[test]
fn a_key_is_answered_behind_closed_gates_and_without_the_program() {
    let site = Site::with(&Pair::of_producer("echo > '{output}'"));
    let words = ["--key", "nightly"];
    let first = site.run("real-run", &words).expect(0).json();
    site.0
        .call(&["gates", "close", "execute_enabled", "--reason", "a test"])
        .expect(0);
    let second = site.run("real-run", &words).expect(0).json();
    assert_eq!(second["created"], false);
    assert_eq!(first["process_run_id"], second["process_run_id"]);
    let refusals = site
        .0
        .call(&["refusals", "ls", "--output", "json"])
        .expect(0);
    assert_eq!(refusals.json(), serde_json::json!([]));
    site.run("real-run", &["--key", "another"]).expect(3);
}

#[test]
fn a_key_that_was_used_with_another_input_is_a_conflict() {
    let site = Site::with(&Pair::of_producer("cat -- '{input}' > '{output}'"));
    let (one, other) = (site.file("one", "1"), site.file("other", "2"));
    site.run("real-run", &["--key", "k", "--input", &one])
        .expect(0);
    let refused = site
        .run("real-run", &["--key", "k", "--input", &other])
        .expect(5);
    assert_eq!(refused.failure()["code"], "idempotency_conflict");
    site.run("real-run", &["--key", "k", "--input", &one])
        .expect(0);
    assert_eq!(site.runs().len(), 1);
}

#[test]
fn a_blank_input_is_none() {
    let site = Site::with(&Pair::default());
    for input in ["", "  "] {
        let refused = site.run("real-run", &["--input", input]).expect(2);
        assert_eq!(refused.failure()["code"], "input_missing");
    }
    assert_eq!(site.runs().len(), 0);
}

#[test]
fn a_verdict_that_is_no_pass_says_why() {
    let site = Site::with(&Pair::of_verifier("echo '{{\"verdict\": \"perhaps\"}}'"));
    let run = site.run("real-run", &[]).expect(1).json();
    assert_eq!(run["verdict"], "error");
    let why = run["verifier"]["failure"].as_str().unwrap();
    assert!(why.contains("none of pass, fail and error"), "{why}");
}

#[test]
fn runs_show_renders_executed_run() {
    let site = Site::with(&Pair::of_verifier("echo it is wrong; exit 1"));
    let words = [
        "run",
        "DOT_MAKE",
        "--candidate",
        "PROC-CAND:test",
        "--mode",
        "dry-run",
    ];
    assert_answer!(
        site.0
            .call(&[&words[..], &["--runs-folder", "runs"]].concat())
    );
    assert_answer!(site.0.call(&["runs", "show", "last"]));
}

#[test]
fn runs_show_names_the_file_with_what_a_tool_complained() {
    let site = Site::with(&Pair::of_verifier("echo this is why >&2; exit 1"));
    site.run("real-run", &[]).expect(1);
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(shown.contains("/verifier/stderr"), "{shown}");
    assert!(!shown.contains("/producer/stderr"), "{shown}");
}
