//! `runs reverify`: outputs that are verified again, and what became of outputs.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::site::{CANDIDATE, Pair, Site, signal, until};
use crate::support::Answer;

/// A pair whose verifier looks into the output.
fn site() -> Site {
    Site::with(&Pair::of_verifier("grep -q something '{output}'"))
}

/// A verified real run, and where its output lies.
fn verified(site: &Site) -> (String, PathBuf) {
    let run = site.run("real-run", &[]).expect(0).json();
    let address = run["producer"]["output_ref"].as_str().unwrap();
    let path = PathBuf::from(address.strip_prefix("file://").unwrap());
    (run["process_run_id"].as_str().unwrap().to_owned(), path)
}

fn reverify(site: &Site, words: &[&str]) -> Answer {
    let own = [
        "runs",
        "reverify",
        "--runs-folder",
        "runs",
        "--output",
        "json",
    ];
    site.0.call(&[&own[..], words].concat())
}

/// What the ledger says of a run.
fn run(site: &Site, id: &str) -> Value {
    site.story(id)["run"].clone()
}

#[test]
fn an_unchanged_output_passes_again_in_a_dry_run_of_its_own_and_raises_nothing() {
    let site = site();
    let (id, _) = verified(&site);
    let rung = site.rung();
    let again = reverify(&site, &["last"]).expect(0).json();
    assert_eq!(again[0]["reverifies"], id);
    assert_eq!(
        (&again[0]["found"], &again[0]["verdict"]),
        (&json!("same"), &json!("pass"))
    );
    let story = site.story(again[0]["process_run_id"].as_str().unwrap());
    assert_eq!(story["run"]["reverifies"], id);
    assert_eq!(story["run"]["evidence_type"], "DRY_RUN");
    assert_eq!(story["run"]["verdict"], "pass");
    let parts = story["components"].as_array().unwrap();
    assert_eq!(
        (parts.len(), &parts[0]["component_role"]),
        (1, &json!("verifier"))
    );
    let committed = &site.story(&id)["components"][0]["output_digest"];
    assert_eq!(&story["receipts"][0]["input_digest"], committed);
    assert_eq!(site.rung(), rung);
    let shown = site.0.call(&["runs", "show", &id]).expect(0).output;
    assert!(
        shown.contains("OUTPUT") && shown.contains("again"),
        "{shown}"
    );
    assert_eq!(site.story(&id)["reverifications"][0]["verdict"], "pass");
    site.holds();
}

#[test]
fn a_dry_run_s_output_that_passes_again_is_no_real_run() {
    let site = site();
    site.run("dry-run", &[]).expect(0);
    assert_eq!(site.rung(), "dry_run_observed");
    reverify(&site, &["last"]).expect(0);
    assert_eq!(site.rung(), "dry_run_observed");
    site.holds();
}

#[test]
fn a_changed_or_missing_output_fails_without_a_call() {
    let site = site();
    for (word, harm) in [
        (
            "changed",
            &(|path: &PathBuf| fs::write(path, "something else").unwrap()) as &dyn Fn(&PathBuf),
        ),
        ("missing", &|path| fs::remove_file(path).unwrap()),
    ] {
        let (id, path) = verified(&site);
        harm(&path);
        let again = reverify(&site, &[&id]).expect(1).json()[0].clone();
        assert_eq!(
            (&again["found"], &again["verdict"]),
            (&json!(word), &json!("fail"))
        );
        let of_again = again["process_run_id"].as_str().unwrap();
        let part = site.story(of_again)["components"][0].clone();
        assert_eq!(part["evidence_ref"]["called"], false);
        assert_eq!(part["evidence_type"], "SIMULATED_DRY_RUN");
        assert_eq!(run(&site, &id)["output_state"], word);
        let event = site.story(&id)["output_events"][0].clone();
        assert_eq!(
            (&event["kind"], &event["found_by"]),
            (&json!(word), &json!(of_again))
        );
        let shown = site.0.call(&["runs", "show", &id]).expect(0).output;
        assert!(shown.contains(&word.to_uppercase()), "{shown}");
    }
    site.holds();
}

#[test]
fn a_moved_output_is_verified_where_it_lies_now() {
    let site = site();
    let (id, path) = verified(&site);
    let place = site.path("archive");
    fs::rename(&path, &place).unwrap();
    let moved = ["runs", "moved", &id, "--to"];
    site.0.call(&[&moved[..], &["nowhere"]].concat()).expect(2);
    site.0.call(&[&moved[..], &["archive"]].concat()).expect(0);
    let address = format!("file://{}", place.canonicalize().unwrap().display());
    assert_eq!(run(&site, &id)["output_moved_to"], address);
    let again = reverify(&site, &[&id]).expect(0).json();
    assert_eq!(
        (&again[0]["found"], &again[0]["output_ref"]),
        (&json!("same"), &json!(address))
    );
    site.holds();
}

#[test]
fn a_pruned_output_is_said_to_be_pruned_wherever_it_is_named() {
    let site = site();
    let made = site.run("real-run", &["--key", "k1"]).expect(0).json();
    let id = made["process_run_id"].as_str().unwrap();
    let prune = [
        "runs",
        "prune",
        "--older-than",
        "0s",
        "--real-runs",
        "--even-the-last",
        "--runs-folder",
        "runs",
    ];
    site.0
        .call(&[&prune[..], &["--dry-run"]].concat())
        .expect(0);
    assert_eq!(run(&site, id)["output_state"], Value::Null);
    site.0.call(&prune).expect(0);
    assert_eq!(run(&site, id)["output_state"], "pruned");
    let repeated = site.run("real-run", &["--key", "k1"]).expect(0);
    assert_eq!(repeated.json()["output_state"], "pruned");
    assert!(
        repeated.messages.contains("PRUNED"),
        "{}",
        repeated.messages
    );
    let shown = site.0.call(&["runs", "show", id]).expect(0).output;
    assert!(shown.contains("PRUNED"), "{shown}");
    let again = reverify(&site, &[id]).expect(1).json();
    assert_eq!(again[0]["found"], "missing");
    site.holds();
}

#[test]
fn the_newest_verified_run_is_compared_by_its_digest_alone() {
    let site = site();
    let (id, _) = verified(&site);
    let newest = ["--candidate", CANDIDATE, "--newest", "--digest-only"];
    let again = reverify(&site, &newest).expect(0).json();
    assert_eq!(again[0]["reverifies"], id);
    assert_eq!(
        (&again[0]["found"], &again[0]["verdict"]),
        (&json!("same"), &Value::Null)
    );
    let of_again = again[0]["process_run_id"].as_str().unwrap();
    assert_eq!(
        site.story(of_again)["components"][0]["evidence_ref"]["called"],
        false
    );
    // A reverification is no verified run, and has no output of its own.
    let once_more = reverify(&site, &newest).expect(0).json();
    assert_eq!(once_more[0]["reverifies"], id);
    let refused = reverify(&site, &[of_again]).expect(2).failure();
    assert_eq!(refused["code"], "no_output");
    site.holds();
}

#[test]
fn a_verifier_s_contract_for_verifying_again_comes_first() {
    let site = site();
    let (_, _) = verified(&site);
    let contract = "[[contract]]\ndot_code = \"DOT_MAKE_CHECK\"\nmode = \"VERIFY_ONLY\"\nno_mutation_assertion = true\n\
                    output_namespace = \"DRYRUN-NS:test\"\nendpoint_ref = \"command:sh\"\n[contract.invocation]\n\
                    argv = [\"sh\", \"-c\", \"false\"]\n";
    site.file("again.toml", contract);
    site.0.call(&["contract", "set", "again.toml"]).expect(0);
    let again = reverify(&site, &["last"]).expect(1).json();
    assert_eq!(
        (&again[0]["found"], &again[0]["verdict"]),
        (&json!("same"), &json!("fail"))
    );
    site.holds();
}

#[test]
fn closed_gates_and_runs_without_an_output_are_refused() {
    let site = site();
    let (id, _) = verified(&site);
    let simulated = site.run("simulate", &[]).expect(0).json();
    let refused = reverify(&site, &[simulated["process_run_id"].as_str().unwrap()]);
    assert_eq!(refused.expect(2).failure()["code"], "no_output");
    site.0
        .call(&[
            "gates",
            "close",
            "operator_runtime_enabled",
            "--reason",
            "a test",
        ])
        .expect(0);
    let before = site.runs().len();
    let refused = reverify(&site, &[&id]).expect(3).failure();
    assert_eq!(refused["code"], "no_execute", "{refused}");
    assert_eq!(site.runs().len(), before);
}

/// Its lease would live for a minute.
#[test]
fn killed_reverification_does_not_block_its_pair() {
    let site = Site::with(&Pair::of_verifier("! test -e '{output}.slow' || sleep 600"));
    let (id, path) = verified(&site);
    let slow = PathBuf::from(format!("{}.slow", path.display()));
    fs::write(&slow, "").unwrap();
    let words = ["runs", "reverify", &id, "--runs-folder", "runs"];
    let mut killed = site.start(&words);
    until(|| (site.lease() == "held").then_some(()));
    signal(&killed, Signal::SIGKILL);
    killed.wait().unwrap();
    fs::remove_file(slow).unwrap();
    let again = reverify(&site, &[&id]).expect(0).json();
    assert_eq!(again[0]["verdict"], "pass");
    site.run("real-run", &[]).expect(0);
    site.holds();
}
