//! Tables, JSON, JSON lines and colour.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Answer, Installation};

#[test]
fn json_has_the_views_column_names() {
    let installation = Installation::with_catalogue();
    installation
        .simulate(&["--key", "k", "--input", "a"])
        .expect(0);
    let run = &installation.json(&["runs", "ls"])[0];
    assert_eq!(run["dot_code"], "DOT_SHA256SUM");
    assert_eq!(run["verifier_dot_code"], "DOT_SHA256SUM_CHECK");
    assert_eq!(run["evidence_type"], "SIMULATED_DRY_RUN");
    assert_eq!(run["correlation_id"], "key:k");
    assert!(run["created_at"].as_str().unwrap().ends_with('Z'), "{run}");
}

#[test]
fn json_lines_are_one_object_a_line() {
    let installation = Installation::with_catalogue();
    let answer = installation
        .call(&["tools", "ls", "--output", "jsonl"])
        .expect(0);
    let rows: Vec<serde_json::Value> = answer
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|row| row["dot_code"].is_string()));
}

#[test]
fn what_is_listed_as_json_can_be_imported_again() {
    let installation = Installation::with_catalogue();
    let listed = installation
        .call(&["tools", "ls", "--output", "json"])
        .expect(0)
        .output;
    installation.desk.file("listed.json", &listed);
    let plan = installation.json(&["tools", "import", "listed.json"]);
    assert!(
        plan.as_array()
            .unwrap()
            .iter()
            .all(|change| change["action"] == "keep"),
        "{plan}"
    );
}

#[test]
fn data_and_messages_do_not_mix() {
    let answer = Installation::with_catalogue()
        .simulate(&["--output", "json"])
        .expect(0);
    assert!(answer.json()["process_run_id"].is_string());
    assert!(answer.messages.contains("runs show"), "{}", answer.messages);
}

#[test]
fn quiet_leaves_the_data_and_drops_the_messages() {
    let answer = Installation::with_catalogue().simulate(&["-q"]).expect(0);
    assert_ne!(answer.output, "");
    assert_eq!(answer.messages, "");
}

#[test]
fn a_warning_is_seen_unless_quiet_is_asked_for() {
    let installation = Installation::with_catalogue();
    let file = installation.desk.file(".pgpass", "*:*:*:*:secret\n");
    std::fs::set_permissions(file, PermissionsExt::from_mode(0o644)).unwrap();
    let answer = installation.call(&["status"]).expect(0);
    assert!(
        answer
            .messages
            .starts_with("warning: password file ignored")
            && answer.messages.contains("0600"),
        "{}",
        answer.messages
    );
    assert!(!answer.messages.contains('\u{1b}'), "{}", answer.messages);
    assert_eq!(installation.call(&["status", "-q"]).expect(0).messages, "");
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let installation = Installation::with_catalogue();
    let url = installation.database.url_as(installation.database.owner());
    let coloured = |words: &[&str], no_colour: bool| {
        let mut command = installation.desk.command(words);
        command
            .env("DATABASE_URL", &url)
            .env("TERM", "xterm-256color");
        if no_colour {
            command.env("NO_COLOR", "1");
        }
        Answer::of(&mut command).expect(0).output.contains('\u{1b}')
    };
    for words in [&["status"][..], &["gates"], &["preflight"]] {
        assert!(
            !coloured(words, false),
            "{words:?} is coloured without a terminal"
        );
        assert!(
            coloured(&[words, &["--color", "always"]].concat(), true),
            "{words:?} is not coloured when asked for"
        );
    }
}

#[test]
fn a_recorded_text_cannot_forge_lines_or_steer_the_terminal() {
    let installation = Installation::with_catalogue();
    installation
        .simulate(&["--input", "a\u{1b}[2J\nVERIFIED"])
        .expect(0);
    let shown = installation.call(&["runs", "show", "last"]).expect(0);
    assert!(!shown.output.contains('\u{1b}'), "{}", shown.output);
    assert!(
        !shown
            .output
            .lines()
            .any(|line| line.trim_start().starts_with("VERIFIED")),
        "{}",
        shown.output
    );
}
