//! `run`, `observe`, `runs`, `backfill`.

use crate::assert_answer;
use crate::support::{Answer, Installation};

#[test]
fn a_pair_becomes_one_correlated_record() {
    let installation = Installation::with_catalogue();
    assert_answer!(installation.simulate(&["--input", "release.tar", "--key", "first"]));
}

#[test]
fn the_same_call_again_returns_the_first_ones_ids_and_writes_nothing() {
    let installation = Installation::with_catalogue();
    let call = || {
        installation
            .simulate(&["--key", "first", "--output", "json"])
            .expect(0)
            .json()
    };
    let (first, second) = (call(), call());
    assert_eq!(first["created"], true);
    assert_eq!(second["created"], false);
    for id in [
        "process_run_id",
        "producer_component_run_id",
        "verifier_component_run_id",
        "correlation_id",
    ] {
        assert_eq!(first[id], second[id]);
    }
    assert_eq!(
        installation.json(&["runs", "ls"]).as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_run_is_shown_as_a_timeline_of_its_layers() {
    let installation = Installation::with_catalogue();
    installation
        .simulate(&["--input", "release.tar", "--key", "first"])
        .expect(0);
    assert_answer!(installation.call(&["runs", "show", "last"]));
}

#[test]
fn a_run_that_was_only_begun_step_by_step_shows_what_is_missing() {
    let installation = Installation::with_catalogue();
    let id = "01234567-0000-7000-8000-000000000002";
    let header = [
        "observe",
        "run",
        "--candidate",
        "C",
        "--producer",
        "DOT_GZIP",
        "--correlation",
        "c",
        "--run-id",
        id,
    ];
    installation
        .call(&[&header[..], &["--status", "started"]].concat())
        .expect(0);
    let component = [
        "observe",
        "component",
        "--run-id",
        id,
        "--dot",
        "DOT_GZIP",
        "--role",
        "producer",
        "--correlation",
        "c",
    ];
    installation
        .call(&[&component[..], &["--status", "step_completed"]].concat())
        .expect(0);
    assert_answer!(installation.call(&["runs", "show", id]));
}

#[test]
fn a_completed_header_without_components_is_not_shown_as_a_completed_run() {
    let installation = Installation::with_catalogue();
    let header = [
        "observe",
        "run",
        "--candidate",
        "C",
        "--correlation",
        "c",
        "--status",
        "completed",
    ];
    installation.call(&header).expect(0);
    let list = installation.call(&["runs", "ls"]).expect(0).output;
    let (status, evidence) = ("header only", "SIMULATED");
    assert!(
        list.contains("header") && list.contains(evidence) && !list.contains("completed"),
        "{list}"
    );
    let shown = installation.call(&["runs", "show", "last"]).expect(0);
    let heading = shown.output.lines().next().unwrap();
    assert!(heading.contains(status), "{heading}");
    let json = installation.json(&["runs", "ls"]);
    assert_eq!(json[0]["status"], "completed", "as it is stored");
}

#[test]
fn events_of_active_types_are_part_of_the_timeline() {
    let installation = Installation::with_catalogue();
    installation
        .call(&[
            "events",
            "activate",
            "process.run.completed",
            "--reason",
            "a test",
        ])
        .expect(0);
    installation.simulate(&[]).expect(0);
    let story = installation.json(&["runs", "show", "last"]);
    assert_eq!(story["events"][0]["event_type"], "process.run.completed");
    let shown = installation.call(&["runs", "show", "last"]).expect(0);
    assert!(shown.output.contains("1 in the outbox"), "{}", shown.output);
}

#[test]
fn a_component_of_another_correlation_is_refused() {
    let installation = Installation::with_catalogue();
    let id = "01234567-0000-7000-8000-000000000003";
    installation
        .call(&[
            "observe",
            "run",
            "--candidate",
            "C",
            "--correlation",
            "mine",
            "--run-id",
            id,
        ])
        .expect(0);
    let words = [
        "observe",
        "component",
        "--run-id",
        id,
        "--dot",
        "DOT_GZIP",
        "--role",
        "producer",
        "--correlation",
        "other",
    ];
    let failure = installation.failure(&words, 2);
    assert_eq!(failure["code"], "correlation_mismatch");
}

const TWO_ROWS: &str = r#"{"dot_code":"DOT_GZIP","process_candidate_code":"PROC-CAND:compression:gzip","correlation_id":"old-1","ticket":7}

{"dot_code":"DOT_GZIP","process_candidate_code":"PROC-CAND:compression:gzip","correlation_id":"old-2","status":"failed"}
"#;

#[test]
fn a_backfill_names_its_source_and_writes_nothing_twice() {
    let installation = Installation::with_catalogue();
    installation.desk.file("rows.jsonl", TWO_ROWS);
    let call = || installation.json(&["backfill", "rows.jsonl", "--source", "wiki"]);
    let first = call();
    assert_eq!((&first["rows"], &first["written"]), (&2.into(), &2.into()));
    assert_eq!(call()["written"], 0);
    let rows = std::fs::File::open(installation.desk.folder().join("rows.jsonl")).unwrap();
    let mut piped = installation.command(&["backfill", "-", "--source", "wiki"]);
    let piped = Answer::of(piped.args(["--output", "json"]).stdin(rows)).expect(0);
    assert_eq!(piped.json(), call(), "standard input is the same file");
    assert_answer!(installation.call(&["runs", "show", "old-2"]));
    let ladder = |candidate| installation.call(&["ladder", candidate, "--output", "json"]);
    let gzip = ladder("PROC-CAND:compression:gzip").expect(0).json();
    assert_eq!(gzip.as_array().unwrap().len(), 1);
    assert_eq!(gzip[0]["candidate_status_v3"], "backfilled_observed");
    let nobody = ladder("PROC-CAND:nothing").expect(2);
    assert!(
        nobody.messages.contains("candidate_unknown"),
        "{}",
        nobody.messages
    );
}

#[test]
fn a_bad_line_of_a_backfill_is_named_and_nothing_of_the_file_is_written() {
    let installation = Installation::with_catalogue();
    for (bad, part) in [
        ("{\"dot_code\":", "not a JSON object"),
        ("[]", "expected a JSON object"),
        (
            r#"{"dot_code":"DOT_GZIP"}"#,
            "process_candidate_code is missing",
        ),
        (
            r#"{"dot_code":"NOBODY","process_candidate_code":"C","correlation_id":"c"}"#,
            "no DOT 'NOBODY'",
        ),
        (
            r#"{"dot_code":"DOT_GZIP","process_candidate_code":"C","correlation_id":"c","started_at":"soon"}"#,
            "soon",
        ),
    ] {
        installation
            .desk
            .file("rows.jsonl", &format!("{TWO_ROWS}{bad}\n"));
        let answer = installation
            .call(&[
                "backfill",
                "rows.jsonl",
                "--source",
                "wiki",
                "--output",
                "json",
            ])
            .expect(2);
        let message = answer.failure()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{message}");
        assert!(
            message.contains("rows.jsonl:4") || message.starts_with("line 4:"),
            "{message}"
        );
    }
    assert_eq!(installation.json(&["runs", "ls"]), serde_json::json!([]));
}

#[test]
fn no_progress_is_drawn_where_there_is_no_terminal() {
    let installation = Installation::with_catalogue();
    installation.desk.file("rows.jsonl", TWO_ROWS);
    let answer: Answer = installation
        .call(&["backfill", "rows.jsonl", "--source", "wiki"])
        .expect(0);
    assert_eq!(answer.messages, "");
}
