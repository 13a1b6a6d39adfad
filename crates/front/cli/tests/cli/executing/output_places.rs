//! Outputs at a path that the contract names, and outputs that are elsewhere.

use std::fs;

use serde_json::json;

use super::site::{Pair, Site};
use crate::home::Home;

/// A pair that makes its output in a folder of the test's own, which exists.
fn placed(name: &str) -> (tempfile::TempDir, Site) {
    let backups = tempfile::tempdir().unwrap();
    let path = backups.path().canonicalize().unwrap().join(name);
    let pair = Pair {
        invocation: format!("output = {{ path = \"{}\" }}", path.display()),
        ..Pair::default()
    };
    let site = Site::with(&pair);
    site.file("input", "the data");
    (backups, site)
}

#[test]
fn an_output_at_the_contract_s_path_is_verified_there_and_survives_prune() {
    let (backups, site) = placed("{input_name}-{date}");
    let input = site.path("input").to_str().unwrap().to_owned();
    let run = site.run("real-run", &["--input", &input]).expect(0).json();
    let made: Vec<_> = backups
        .path()
        .read_dir()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(made.len(), 1);
    let name = made[0].file_name().into_string().unwrap();
    assert!(name.starts_with("input-20"), "{name}");
    let path = backups.path().canonicalize().unwrap().join(&name);
    assert_eq!(
        run["producer"]["output_ref"],
        format!("file://{}", path.display())
    );
    assert_eq!(run["producer"]["output_kind"], "path");
    assert_eq!(run["verdict"], "pass");
    let listed = site.runs();
    assert_eq!(listed[0]["output_kind"], "path");
    assert_eq!(listed[0]["output_ref"], run["producer"]["output_ref"]);

    let refused = site.run("real-run", &["--input", &input]).expect(3);
    assert_eq!(refused.failure()["code"], "output_exists");
    assert!(
        refused
            .messages
            .contains("is there already, and nothing is overwritten")
    );
    assert_eq!(site.runs().len(), 1, "nothing is written of a refused run");

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
    site.0.call(&prune).expect(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "the data");

    let dry = site.run("dry-run", &["--input", &input]).expect(0).json();
    let address = dry["producer"]["output_ref"].as_str().unwrap();
    assert!(
        address.contains("/runs/") && address.ends_with(&name),
        "{address}"
    );
    site.holds();
}

#[test]
fn a_real_run_makes_its_output_at_the_path_on_the_embedded_default() {
    let backups = tempfile::tempdir().unwrap();
    let home = Home::new();
    let pair = |folder: &std::path::Path| Pair {
        invocation: format!(
            "output = {{ path = \"{}/{{process_run_id}}\" }}",
            folder.display()
        ),
        ..Pair::of_producer("echo made > '{output}'")
    };
    let run = |folder: &std::path::Path| {
        home.desk.file("pair.toml", &pair(folder).catalogue());
        home.call(&["tools", "import", "pair.toml"]).expect(0);
        let words = [
            "run",
            super::site::PRODUCER,
            "--mode",
            "real-run",
            "--candidate",
            super::site::CANDIDATE,
        ];
        home.call(&[&words[..], &["--output", "json"]].concat())
    };
    home.desk
        .file("pair.toml", &pair(backups.path()).catalogue());
    home.call(&["tools", "import", "pair.toml"]).expect(0);
    home.call(&[
        "candidates",
        "set",
        super::site::CANDIDATE,
        "--title",
        "A test",
    ])
    .expect(0);
    for gate in super::site::ALL_GATES {
        home.call(&["gates", "open", gate, "--for", "10m", "--reason", "a test"])
            .expect(0);
    }
    run(backups.path()).expect(0);
    assert_eq!(backups.path().read_dir().unwrap().count(), 1);
    // Neither among the ledger's own files nor among those that `runs prune` removes.
    for folder in ["embedded", "runs"] {
        let refused = run(&home.folder().join(folder)).expect(3).failure();
        assert_eq!(refused["code"], "output_path_invalid", "{refused}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_refused_before_the_run() {
    let (_backups, site) = placed("nowhere/{date}");
    let refused = site
        .run("real-run", &["--input", "/etc/hostname"])
        .expect(3)
        .failure();
    assert_eq!(refused["code"], "output_folder_missing", "{refused}");
    assert!(site.runs().is_empty());
}

#[test]
fn a_reference_is_shown_as_one_and_its_fields_reach_the_verifier() {
    let pair = Pair {
        invocation: "output = { reference = \"stdout\", fields = { snapshot = \"/snapshot_id\" } }"
            .to_owned(),
        ..Pair::of_producer(r#"printf '{{"snapshot_id": "4f2a"}}'"#)
    };
    let pair = Pair {
        verifier: "test '{output_field.snapshot}' = 4f2a".to_owned(),
        ..pair
    };
    let site = Site::with(&pair);
    let run = site.run("real-run", &[]).expect(0).json();
    assert_eq!(run["producer"]["output_kind"], "reference");
    assert_eq!(
        run["producer"]["output_fields"],
        json!({"snapshot": "4f2a"})
    );
    assert_eq!(site.runs()[0]["output_kind"], "reference");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(
        shown.contains("(of the message, not of the data)"),
        "{shown}"
    );
    assert!(shown.contains("snapshot 4f2a"), "{shown}");
    let listed = site.0.call(&["runs", "ls"]).expect(0).output;
    assert!(listed.contains("REAL RUN, ref"), "{listed}");
    let words = Site::words("real-run", &[]).into_iter();
    let words: Vec<&str> = words
        .map(|word| if word == "json" { "table" } else { word })
        .collect();
    let drawn = site.0.call(&words).expect(0).output;
    assert!(
        drawn.contains("snapshot 4f2a") && drawn.contains("of the message"),
        "{drawn}"
    );
    site.holds();
}

#[test]
fn a_verifier_with_a_field_that_the_producer_does_not_name_is_refused_before_the_run() {
    let pair = Pair::of_verifier("test '{output_field.snapshot}' = 4f2a");
    let site = Site::with(&pair);
    let refused = site.run("real-run", &[]).expect(3).failure();
    assert_eq!(refused["code"], "output_field_unknown", "{refused}");
    assert!(site.runs().is_empty());
}

#[test]
fn the_resolved_input_is_recorded_and_a_change_of_it_is_a_warning() {
    let site = Site::with(&Pair::of_producer(
        "cat '{input}' > '{output}'; printf more >> '{input}'",
    ));
    let input = site.file("2026", "the data");
    let link = site.path("latest");
    std::os::unix::fs::symlink(&input, &link).unwrap();
    let run = site
        .run("real-run", &["--input", link.to_str().unwrap()])
        .expect(0)
        .json();
    assert_eq!(run["producer"]["warnings"][0]["code"], "input_changed");
    let seen = site.evidence(0)["input"].clone();
    let resolved = fs::canonicalize(&input).unwrap();
    assert_eq!(seen["before"]["path"], resolved.to_str().unwrap());
    assert_eq!(
        (&seen["before"]["bytes"], &seen["after"]["bytes"]),
        (&json!(8), &json!(12))
    );
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(
        shown.contains(&format!("{}, 8 bytes", resolved.display())),
        "{shown}"
    );
    assert!(
        shown.contains("12 bytes") && shown.contains("input_changed"),
        "{shown}"
    );
}

#[test]
fn an_output_much_smaller_than_the_last_verified_one_fails() {
    let pair = Pair {
        invocation: "output_rules = { min_ratio = 0.5 }".to_owned(),
        ..Pair::of_producer("cat -- '{input}' > '{output}'")
    };
    let site = Site::with(&pair);
    let [input, other] = ["shop", "other"].map(|name| site.file(name, "0123456789"));
    site.run("real-run", &["--input", &input]).expect(0);
    site.file("shop", "0123");
    site.file("other", "0");
    let failed = site.run("real-run", &["--input", &input]).expect(1).json();
    assert_eq!(failed["error_ref"], "producer: output_too_small");
    let why = failed["producer"]["failure"].as_str().unwrap();
    assert!(why.contains("less than 0.5 of the 10 bytes"), "{why}");
    // Another input has no earlier run, and what failed is no measure for the next.
    site.run("real-run", &["--input", &other]).expect(0);
    site.file("shop", "01234");
    site.run("real-run", &["--input", &input]).expect(0);
    site.holds();
}
