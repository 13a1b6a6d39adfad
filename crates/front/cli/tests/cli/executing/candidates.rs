//! What a real run may be evidence for: candidates that are registered and that its producer is declared for.

use serde_json::{Value, json};

use super::site::{CANDIDATE, PRODUCER, Pair, Site};

/// Something that the pair of the test has nothing to do with.
const BORROWED: &str = "PROC-CAND:postgresql:physical-backup";

/// A real run for this candidate.
fn run_for(site: &Site, candidate: &str) -> crate::support::Answer {
    let input = site.file("input", "hello\n");
    let words = [
        "run",
        PRODUCER,
        "--candidate",
        candidate,
        "--mode",
        "real-run",
        "--runs-folder",
        "runs",
        "--output",
        "json",
        "--input",
        &input,
    ];
    site.0.call(&words)
}

fn rung_of(site: &Site, candidate: &str) -> Value {
    let ladder = site
        .0
        .call(&["ladder", candidate, "--output", "json"])
        .expect(0);
    ladder.json()[0]["candidate_status_v3"].clone()
}

fn change(site: &Site, words: &[&str]) -> Value {
    let words = [&["candidates"], words, &["--output", "json"]].concat();
    site.0.call(&words).expect(0).json()["change"].clone()
}

#[test]
fn a_borrowed_candidate_and_a_typing_error_are_refused() {
    let site = Site::with(&Pair::default());
    let title = ["--title", "Physical backups", "--owner", "ops"];
    site.0
        .call(&[&["candidates", "set", BORROWED], &title[..]].concat())
        .expect(0);
    let failure = run_for(&site, BORROWED).expect(3).failure();
    assert_eq!(failure["code"], "candidate_pair_mismatch", "{failure:#}");
    assert_eq!(failure["detail"]["declared_for"], json!([CANDIDATE]));
    let hint = failure["hint"].as_str().unwrap();
    assert!(hint.contains("dotwrap candidates pair"), "{hint}");
    let typo = format!("{CANDIDATE}s");
    let failure = run_for(&site, &typo).expect(2).failure();
    assert_eq!(failure["code"], "candidate_unknown", "{failure:#}");
    assert_eq!(site.runs(), Vec::<Value>::new());
    assert_eq!(rung_of(&site, BORROWED), "structural_candidate");
    site.0.call(&["ladder", &typo]).expect(2);
    run_for(&site, CANDIDATE).expect(0);
    site.holds();
}

#[test]
fn an_inferred_pair_is_marked_until_it_is_confirmed_and_unpairing_takes_the_rung_away() {
    let site = Site::with(&Pair::default());
    run_for(&site, CANDIDATE).expect(0);
    site.0.sql_as_superuser(
        "UPDATE dot.process_candidate_pair SET is_inferred = true;
         INSERT INTO dot.dot_registry_history (change_id, kind, key, entry, actor, changed_at)
         SELECT dot.fn_dot_uuid_v7(), 'candidate_pair', p.dot_code, to_jsonb(p) || '{\"is_declared\": true}', 'dotwrap', clock_timestamp()
         FROM dot.process_candidate_pair p",
    );
    let shown = site.0.call(&["ladder", CANDIDATE]).expect(0);
    assert!(
        shown.output.contains("verified_candidate (inferred)"),
        "{}",
        shown.output
    );
    assert!(
        shown.messages.contains("dotwrap candidates pair"),
        "{}",
        shown.messages
    );
    let inferred = ["candidates", "pairs", "--inferred", "--output", "json"];
    let pairs = site.0.call(&inferred).expect(0).json();
    assert_eq!(pairs[0]["dot_code"], PRODUCER);
    assert_eq!(pairs[0]["is_inferred"], true);
    assert_eq!(change(&site, &["pair", CANDIDATE, PRODUCER]), "confirmed");
    assert_eq!(site.0.call(&inferred).expect(0).json(), json!([]));
    site.holds();
    let shown = site.0.call(&["ladder", CANDIDATE]).expect(0);
    assert!(!shown.output.contains("inferred"), "{}", shown.output);
    assert_eq!(rung_of(&site, CANDIDATE), "verified_candidate");
    let reason = ["--reason", "it proves nothing"];
    let unpair = [&["unpair", CANDIDATE, PRODUCER][..], &reason].concat();
    assert_eq!(change(&site, &unpair), "removed");
    assert_eq!(change(&site, &unpair), "absent");
    assert_eq!(rung_of(&site, CANDIDATE), "structural_candidate");
    assert_eq!(change(&site, &["pair", CANDIDATE, PRODUCER]), "declared");
    assert_eq!(rung_of(&site, CANDIDATE), "verified_candidate");
    let refused = ["candidates", "pair", "PROC-CAND:typo", PRODUCER];
    site.0.call(&refused).expect(2);
}

#[test]
fn a_retired_tool_and_a_retired_contract_are_not_run() {
    let site = Site::with(&Pair::default());
    let retire = |words: &[&str]| {
        let words = [words, &["--output", "json"]].concat();
        site.0.call(&words).expect(0).json()["changed"].clone()
    };
    let contract = ["contract", "retire", PRODUCER, "real-run"];
    assert_eq!(retire(&contract), true);
    assert_eq!(retire(&contract), false);
    let failure = run_for(&site, CANDIDATE).expect(3).failure();
    assert_eq!(failure["code"], "contract_missing", "{failure:#}");
    site.0.call(&["tools", "import", "pair.toml"]).expect(0);
    run_for(&site, CANDIDATE).expect(0);
    // Either side.
    for tool in [PRODUCER, "DOT_MAKE_CHECK"] {
        let words = ["tools", "retire", tool, "--reason", "replaced"];
        assert_eq!(retire(&words), true);
        assert_eq!(retire(&words), false);
        let failure = run_for(&site, CANDIDATE).expect(3).failure();
        assert_eq!(failure["code"], "tool_retired", "{failure:#}");
        let add = [
            "requests", "add", PRODUCER, "--mode", "dry-run", "--output", "json",
        ];
        let failure = site.0.call(&add).expect(3).failure();
        assert_eq!(failure["code"], "tool_retired", "{failure:#}");
        site.0
            .call(&[
                "run",
                PRODUCER,
                "--mode",
                "simulate",
                "--candidate",
                CANDIDATE,
            ])
            .expect(0);
        site.0.call(&["tools", "import", "pair.toml"]).expect(0);
    }
    site.0
        .call(&["tools", "retire", "DOT_NO", "--reason", "r"])
        .expect(2);
}
