//! `runs prune`: which files go, and which stay.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::site::{Pair, Site, end, signal};
use crate::support::Answer;

const FOREIGN: &str = "01234567-0000-7000-8000-000000000004";

fn prune(site: &Site, older_than: &str, more: &[&str]) -> Answer {
    let words = [
        "runs",
        "prune",
        "--runs-folder",
        "runs",
        "--older-than",
        older_than,
    ];
    site.0.call(&[&words[..], more].concat())
}

/// Runs the pair, and says where its files are.
fn folder_of(site: &Site, mode: &str) -> PathBuf {
    let run = site.run(mode, &[]).expect(0).json();
    PathBuf::from(run["folder"].as_str().unwrap())
}

fn name(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

#[test]
fn what_old_dry_runs_left_is_removed_and_real_runs_only_when_asked() {
    let site = Site::with(&Pair::of_producer("echo something > '{output}'"));
    let dry = folder_of(&site, "dry-run");
    let real = folder_of(&site, "real-run");
    let unrecorded = folder_of(&site, "dry-run");
    fs::write(unrecorded.join("unrecorded.json"), "{}").unwrap();
    let foreign = site.path("runs").join(FOREIGN);
    fs::create_dir(&foreign).unwrap();

    let young = prune(&site, "1d", &[]).expect(0);
    assert_eq!(young.output, "");
    assert!(
        young.messages.contains("nothing to remove")
            && young.messages.contains("3 not old enough")
            && young.messages.contains("1 not in this ledger"),
        "{}",
        young.messages
    );

    let would = prune(&site, "0s", &["--dry-run", "--output", "json"])
        .expect(0)
        .json();
    assert_eq!(would.as_array().unwrap().len(), 1, "{would}");
    assert_eq!(would[0]["process_run_id"], name(&dry));
    assert_eq!(would[0]["removed"], json!(false));
    assert!(would[0]["bytes"].as_u64().unwrap() >= 10, "{would}");
    assert!(dry.exists());

    let done = prune(&site, "0s", &[]).expect(0);
    assert!(done.output.contains(name(&dry)), "{}", done.output);
    for said in [
        "removed the files of 1 run (",
        "1 of real runs, which --real-runs removes too",
        "1 with unrecorded.json",
    ] {
        assert!(done.messages.contains(said), "{}", done.messages);
    }
    assert!(!dry.exists());

    let again = prune(&site, "0s", &["--real-runs", "--output", "jsonl"]).expect(0);
    let again: Value = serde_json::from_str(&again.output).unwrap();
    assert_eq!(again["process_run_id"], name(&real));
    assert_eq!(again["removed"], json!(true));
    assert!(!real.exists());
    assert!(unrecorded.exists() && foreign.exists());

    let shown = site.story(name(&real));
    assert!(shown["components"][0]["output_digest"].is_string());
    site.holds();
}

#[test]
fn a_run_that_goes_on_keeps_its_files() {
    let site = Site::with(&Pair::of_producer(
        "echo $$ > ../../../../started; sleep 600",
    ));
    let run = site.start(&Site::words("real-run", &[]));
    site.process_in("started");
    let kept = prune(&site, "0s", &["--real-runs"]).expect(0);
    assert!(
        kept.messages.contains("1 not concluded"),
        "{}",
        kept.messages
    );
    signal(&run, Signal::SIGTERM);
    end(run);
    prune(&site, "0s", &["--real-runs"]).expect(0);
    assert_eq!(fs::read_dir(site.path("runs")).unwrap().count(), 0);
}

#[test]
fn where_there_is_nothing_it_says_so_and_what_can_not_be_is_refused() {
    let site = Site::closed(&Pair::default());
    let nothing = prune(&site, "30d", &["--output", "json"]).expect(0);
    assert_eq!(nothing.json(), json!([]));
    assert!(
        nothing.messages.contains("nothing to remove"),
        "{}",
        nothing.messages
    );
    assert!(!site.path("runs").exists());
    for age in ["-1d", "1 month", "soon"] {
        let words = format!("--older-than={age}");
        let refused = site.0.call(&["runs", "prune", &words]).expect(2);
        assert!(
            refused.messages.contains("30d"),
            "{age}: {}",
            refused.messages
        );
    }
    site.0.call(&["runs", "prune"]).expect(2);
    site.file("runs", "");
    let refused = prune(&site, "0s", &["--output", "json"]).expect(2);
    assert_eq!(refused.failure()["code"], "folder_unusable");
}
