//! What is refused before anything is called. Nothing of it is in the ledger.

use nix::sys::signal::Signal;

use super::site::{Pair, Site, end, signal};

/// The run is refused with this code and exit status, and leaves neither a row nor a folder. Returns the hint.
fn refused(site: &Site, words: &[&str], code: &str, status: i32) -> String {
    let failure = site.0.call(words).expect(status).failure();
    assert_eq!(failure["code"], code, "{failure:#}");
    assert_eq!(site.runs(), Vec::<serde_json::Value>::new());
    let folders = std::fs::read_dir(site.path("runs")).map_or(0, Iterator::count);
    assert_eq!(folders, 0, "a folder was left behind");
    failure["hint"].as_str().unwrap_or_default().to_owned()
}

fn run<'a>(producer: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = [
        "run",
        producer,
        "--mode",
        "dry-run",
        "--runs-folder",
        "runs",
        "--output",
        "json",
    ];
    [&words[..], more].concat()
}

#[test]
fn outcome_flags_are_rejected_for_executed_runs() {
    let site = Site::with(&Pair::default());
    let hint = refused(
        &site,
        &run("DOT_MAKE", &["--status", "completed"]),
        "usage",
        2,
    );
    assert!(hint.contains("--mode simulate"), "{hint}");
}

#[test]
fn an_input_that_a_contract_has_a_place_for_is_asked_for() {
    let site = Site::with(&Pair::default());
    let hint = refused(&site, &run("DOT_MAKE", &[]), "input_missing", 2);
    assert!(hint.contains("--input"), "{hint}");
}

#[test]
fn a_program_that_is_not_there_is_not_called() {
    let site = Site::with(&Pair::default());
    set_contract(&site, "command:nobody-has-this-program", "");
    let hint = refused(
        &site,
        &run("DOT_MAKE", &["--input", "x"]),
        "program_missing",
        3,
    );
    assert!(hint.contains("install it"), "{hint}");
}

#[test]
fn a_contract_that_is_not_understood_is_not_called() {
    let site = Site::with(&Pair::default());
    set_contract(&site, "command:sh", "shell = true");
    refused(
        &site,
        &run("DOT_MAKE", &["--input", "x"]),
        "invocation_invalid",
        3,
    );
}

#[test]
fn a_pair_without_a_contract_is_not_improvised() {
    let site = Site::with(&Pair::default());
    site.0.call(&["tools", "import", "--sample"]).expect(0);
    let hint = refused(
        &site,
        &run("DOT_RESTIC_BACKUP", &["--input", "x"]),
        "contract_missing",
        3,
    );
    assert!(hint.contains("dotwrap contract set"), "{hint}");
}

#[test]
fn a_host_that_nobody_allowed_is_not_called() {
    let site = Site::with(&Pair::default());
    site.0.call(&["tools", "import", "--sample"]).expect(0);
    let hint = refused(&site, &run("DOT_KG_EXPLAIN", &[]), "host_not_allowed", 3);
    assert!(hint.contains("--agent-host"), "{hint}");
}

fn set_contract(site: &Site, endpoint: &str, more: &str) {
    site.file(
        "contract.toml",
        &format!(
            "[[contract]]\ndot_code = \"DOT_MAKE\"\nmode = \"DRY_RUN\"\nno_mutation_assertion = true\n\
             output_namespace = \"DRYRUN-NS:test\"\nendpoint_ref = \"{endpoint}\"\n[contract.invocation]\nargv = []\n{more}\n"
        ),
    );
    site.0
        .call(&[
            "contract",
            "set",
            "contract.toml",
            "--force",
            "--reason",
            "a test",
        ])
        .expect(0);
}

#[test]
fn a_held_lease_is_refused_with_the_run_that_holds_it() {
    let site = Site::with(&Pair::of_producer(
        "echo $$ > '{input}.new'; mv '{input}.new' '{input}'; sleep 600; echo > '{output}'",
    ));
    let input = site.path("process").to_str().unwrap().to_owned();
    let holder = site.start(&Site::words("real-run", &["--input", &input]));
    site.process_in("process");
    let run = site.runs()[0]["process_run_id"].clone();
    let refused = site
        .run("real-run", &["--input", &input])
        .expect(4)
        .failure();
    assert_eq!(refused["code"], "lease_held");
    assert_eq!(refused["detail"]["process_run_id"], run, "{refused}");
    let message = refused["message"].as_str().unwrap();
    let named = format!("for the run {} since 2", run.as_str().unwrap());
    assert!(message.contains(&named), "{message}");
    signal(&holder, Signal::SIGTERM);
    end(holder);
}
