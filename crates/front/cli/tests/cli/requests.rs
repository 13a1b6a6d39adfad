//! `requests`.

use serde_json::{Value, json};

use crate::support::Installation;

/// With a pair that may be asked for, dry and for real.
fn bound() -> Installation {
    let installation = Installation::with_catalogue();
    let contract = |dot_code: &str, mode: &str| {
        format!(
            "[[contract]]\ndot_code = \"{dot_code}\"\nmode = \"{mode}\"\nendpoint_ref = \"command:git\"\n\
             no_mutation_assertion = true\noutput_namespace = \"DRYRUN-NS:git\"\n"
        )
    };
    let mut text = String::new();
    for dot_code in ["DOT_GIT_BUNDLE_CREATE", "DOT_GIT_BUNDLE_VERIFY"] {
        for mode in ["DRY_RUN", "REAL_RUN"] {
            text += &contract(dot_code, mode);
        }
    }
    installation.desk.file("contracts.toml", &text);
    installation
        .call(&[
            "contract",
            "set",
            "contracts.toml",
            "--force",
            "--reason",
            "a test",
        ])
        .expect(0);
    installation
}

fn added(installation: &Installation, words: &[&str]) -> Value {
    let add = ["requests", "add", "DOT_GIT_BUNDLE_CREATE"];
    installation
        .call(&[&add[..], words, &["--output", "json"]].concat())
        .expect(0)
        .json()
}

#[test]
fn what_is_asked_for_waits_and_is_shown_and_cancelled() {
    let installation = bound();
    let request = added(
        &installation,
        &["--mode", "real-run", "--input", "a.git", "--key", "nightly"],
    );
    assert_eq!(request["state"], "waiting");
    assert_eq!(request["mode"], "REAL_RUN");
    assert_eq!(request["correlation_id"], "key:nightly");
    assert_eq!(request["input_ref"], "a.git");
    assert_eq!(request["actor"], "tester");
    let named = request["process_candidate_code"].as_str().unwrap();
    assert!(named.starts_with("PROC-CAND:"), "the registry's: {named}");
    let id = request["request_id"].as_str().unwrap();
    let again = added(
        &installation,
        &["--mode", "real-run", "--input", "a.git", "--key", "nightly"],
    );
    assert_eq!(again["request_id"], id);
    let json = ["--output", "json"];
    let shown = installation
        .call(&[&["requests", "show", id], &json[..]].concat())
        .expect(0)
        .json();
    assert_eq!(shown, request);
    let newest = installation.call(&[&["requests", "show", "last"], &json[..]].concat());
    assert_eq!(newest.expect(0).json(), request);
    let drawn = installation.call(&["requests", "show", id]).expect(0);
    assert!(drawn.output.contains("waiting"), "{}", drawn.output);
    let listed = |words: &[&str]| {
        installation
            .call(&[&["requests", "ls"], words, &json[..]].concat())
            .expect(0)
            .json()
    };
    assert_eq!(listed(&[]), json!([request]));
    assert_eq!(listed(&["--state", "waiting"]), json!([request]));
    assert_eq!(listed(&["--state", "finished"]), json!([]));
    assert_eq!(listed(&["--producer", "DOT_GZIP"]), json!([]));

    let cancel = ["requests", "cancel", id, "--reason", "not needed"];
    for cancelled in [true, false] {
        let told = installation
            .call(&[&cancel[..], &json].concat())
            .expect(0)
            .json();
        assert_eq!(
            told,
            json!({"request_id": id, "cancelled": cancelled, "state": "cancelled"})
        );
    }
    let kept = &listed(&["--state", "cancelled"])[0];
    assert_eq!(kept["cancel_reason"], "not needed");
    assert_eq!(kept["cancelled_by"], "tester");
}

#[test]
fn a_request_may_be_for_later() {
    let installation = bound();
    let later = added(&installation, &["--mode", "dry-run", "--in", "10m"]);
    assert!(later["not_before"].as_str() > later["requested_at"].as_str());
    let time = "2100-01-31T22:00:00Z";
    let later = added(&installation, &["--mode", "dry-run", "--not-before", time]);
    assert_eq!(later["not_before"], time);
}

#[test]
fn what_can_not_be_run_can_not_be_asked_for() {
    let installation = bound();
    let key = ["--key", "k", "--candidate", "C"];
    added(&installation, &[&["--mode", "dry-run"], &key[..]].concat());
    for (words, status, said) in [
        (&["DOT_NOBODY", "--mode", "dry-run"][..], 2, "unknown_dot"),
        (
            &[
                "DOT_GIT_BUNDLE_VERIFY",
                "--mode",
                "dry-run",
                "--candidate",
                "C",
            ],
            2,
            "not_a_producer",
        ),
        (
            &["DOT_RESTIC_BACKUP", "--mode", "dry-run", "--candidate", "C"],
            3,
            "contract_missing",
        ),
        (
            &[
                "DOT_GIT_BUNDLE_CREATE",
                "--mode",
                "real-run",
                "--key",
                "k",
                "--candidate",
                "C",
            ],
            5,
            "idempotency_conflict",
        ),
        (&["DOT_GIT_BUNDLE_CREATE"], 2, "--mode"),
        (
            &["DOT_GIT_BUNDLE_CREATE", "--mode", "simulate"],
            2,
            "simulate",
        ),
        (
            &["DOT_GIT_BUNDLE_CREATE", "--mode", "dry-run", "--in=-5m"],
            2,
            "length of time",
        ),
    ] {
        let answer = installation.call(&[&["requests", "add"], words].concat());
        assert_eq!(answer.status, status, "{words:?}: {}", answer.messages);
        assert!(
            answer.messages.contains(said),
            "{words:?}: {}",
            answer.messages
        );
    }
    let nobody = "01234567-0000-7000-8000-000000000004";
    for words in [
        &["show", nobody][..],
        &["cancel", nobody, "--reason", "r"],
        &["show", "no id"],
    ] {
        installation
            .call(&[&["requests"], words].concat())
            .expect(2);
    }
    let observer = installation.call_as(
        "dot_observer",
        &[
            "requests",
            "add",
            "DOT_GIT_BUNDLE_CREATE",
            "--mode",
            "dry-run",
        ],
    );
    assert_eq!(observer.status, 77, "{}", observer.messages);
}
