//! `runs prune`: which files go, and which stay.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd::Uid;
use serde_json::{Value, json};

use super::site::{Pair, Site, end, signal, until};
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
    fs::write(unrecorded.join("unrecorded_evidence.json"), "{}").unwrap();
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
        "1 with unrecorded_evidence.json",
    ] {
        assert!(done.messages.contains(said), "{}", done.messages);
    }
    assert!(!dry.exists());

    // The only proof that is left goes only by its own word.
    let kept = prune(&site, "0s", &["--real-runs"]).expect(0).messages;
    assert!(
        kept.contains("1 of a candidate's newest verified run"),
        "{kept}"
    );
    assert!(real.exists());
    let words = ["--real-runs", "--even-the-last", "--output", "jsonl"];
    let again = prune(&site, "0s", &words).expect(0);
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
fn less_is_removed_by_candidate_by_failure_and_of_the_newest() {
    let site = Site::with(&Pair::of_verifier("test '{input}' = good"));
    let run = |input: &str, status| {
        let run = site
            .run("dry-run", &["--input", input])
            .expect(status)
            .json();
        PathBuf::from(run["folder"].as_str().unwrap())
    };
    let (good, bad, newest) = (run("good", 0), run("bad", 1), run("good", 0));
    let exist = || [&good, &bad, &newest].map(|folder| folder.exists());
    let other = prune(&site, "0s", &["--candidate", "PROC-CAND:other"]).expect(0);
    assert!(
        other.messages.contains("3 of other candidates"),
        "{}",
        other.messages
    );
    assert_eq!(exist(), [true, true, true]);
    let failed = prune(&site, "0s", &["--failed"]).expect(0).messages;
    assert!(failed.contains("2 of runs that did not fail"), "{failed}");
    assert_eq!(exist(), [true, false, true]);
    let last = prune(&site, "0s", &["--keep-last", "1"]).expect(0).messages;
    assert!(last.contains("1 of a candidate's newest runs"), "{last}");
    assert_eq!(exist(), [false, false, true]);
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
fn what_a_dead_runner_left_counts_as_a_real_runs() {
    let site = Site::with(&Pair::of_producer(
        "echo $$ > started; cp started {folder}/tmp; sleep 600",
    ));
    let run = site.start(&Site::words("dry-run", &["--lease-ttl", "1"]));
    until(|| {
        let mut folders = fs::read_dir(site.path("runs")).ok()?.flatten();
        let started = folders.next()?.path().join("producer/tmp/started");
        started.exists().then_some(())
    });
    signal(&run, Signal::SIGKILL);
    run.wait_with_output().unwrap();
    until(|| {
        let reaped = site.0.json(&["reap"]);
        (reaped != json!([])).then_some(())
    });
    let kept = prune(&site, "0s", &[]).expect(0).messages;
    assert!(kept.contains("1 of runs whose runner died"), "{kept}");
    prune(&site, "0s", &["--real-runs"]).expect(0);
    assert_eq!(fs::read_dir(site.path("runs")).unwrap().count(), 0);
}

/// Ids are unique in a ledger; a folder may serve several.
#[test]
fn a_folder_that_is_not_the_runs_own_is_neither_used_nor_removed() {
    let site = Site::with(&Pair::of_producer("echo something > '{output}'"));
    let taken = site.path("runs").join(FOREIGN);
    fs::create_dir_all(&taken).unwrap();
    fs::write(taken.join("output"), "").unwrap();
    for folder in [taken.parent().unwrap(), &taken] {
        fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).unwrap();
    }
    let refused = site.run("dry-run", &["--run-id", FOREIGN]).expect(2);
    assert_eq!(refused.failure()["code"], "folder_unusable");
    assert!(site.runs().is_empty());
    let words = ["--run-id", FOREIGN, "--runs-folder", "others"];
    let run = Site::words("dry-run", &words);
    let run = run.iter().filter(|word| **word != "runs");
    let run: Vec<&str> = run.copied().collect();
    let first = run
        .iter()
        .position(|word| *word == "--runs-folder")
        .unwrap();
    site.0
        .call(&[&run[..first], &run[first + 1..]].concat())
        .expect(0);
    let kept = prune(&site, "0s", &["--real-runs"]).expect(0).messages;
    assert!(kept.contains("in another folder"), "{kept}");
    assert!(taken.exists());
}

#[test]
fn what_is_mounted_in_a_folder_is_not_removed_with_it() {
    let site = Site::with(&Pair::of_producer("mkdir 'a b'; echo x > '{output}'"));
    let dry = folder_of(&site, "dry-run");
    let precious = site.file("precious/gold", "");
    let script = "mount --bind precious \"$0/producer/work/a b\" && exec \"$@\"";
    let prune = [
        "runs",
        "prune",
        "--runs-folder",
        "runs",
        "--older-than",
        "0s",
        "--output",
        "json",
        "-q",
    ];
    // Mounting needs root, or a user namespace.
    let whose = if Uid::effective().is_root() {
        "--mount"
    } else {
        "-rm"
    };
    let attempt = [whose, "sh", "-c"];
    if !Command::new("unshare")
        .args(attempt)
        .arg(":")
        .status()
        .unwrap()
        .success()
    {
        return;
    }
    let dotwrap = site.0.command(&prune);
    let mut mounted = Command::new("unshare");
    mounted.args(attempt).arg(script).arg(&dry);
    mounted.arg(dotwrap.get_program()).args(dotwrap.get_args());
    mounted.current_dir(site.path(""));
    mounted.envs(
        dotwrap
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let answer = Answer::of(&mut mounted).expect(2);
    assert_eq!(answer.failure()["code"], "folder_unusable");
    assert_eq!(answer.json()[0]["removed"], json!(false));
    let why = answer.json()[0]["error"].to_string();
    assert!(
        why.contains("something is mounted at producer/work/a b"),
        "{why}"
    );
    assert!(Path::new(&precious).exists());
    assert!(dry.join("producer/output").exists());
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
