//! What needs no database.

use std::process::Stdio;

use crate::support::{Answer, Desk};

#[test]
fn without_a_command_the_help_is_shown_and_it_ends_with_2() {
    let answer = Answer::of(&mut Desk::new().command(&[])).expect(2);
    assert!(
        answer.messages.contains("Usage: dotwrap"),
        "{}",
        answer.messages
    );
}

#[test]
fn help_lists_every_exit_status() {
    let answer = Answer::of(&mut Desk::new().command(&["--help"])).expect(0);
    for status in [
        "  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", " 69  ", " 70  ", " 77  ",
    ] {
        assert!(
            answer.output.contains(status),
            "{status}: {}",
            answer.output
        );
    }
}

#[test]
fn a_wrong_command_line_is_json_where_json_was_asked_for() {
    let failure = Answer::of(&mut Desk::new().command(&["run", "--output", "json"]))
        .expect(2)
        .failure();
    assert_eq!(failure["code"], "usage");
    assert!(
        failure["message"].as_str().unwrap().contains("<PRODUCER>"),
        "{failure}"
    );
}

#[test]
fn a_wrong_command_line_is_json_whichever_setting_asks_for_it() {
    let desk = Desk::new();
    let wrong = ["run", "--no-such-flag"];
    let mut by_variable = desk.command(&wrong);
    by_variable.env("DOTWRAP_OUTPUT", "jsonl");
    desk.file("other.toml", "output = 'json'");
    let mut by_named_file = desk.command(&[&wrong[..], &["--config=other.toml"]].concat());
    desk.file("project/dotwrap.toml", "output = 'json'");
    let mut by_nearest_file = desk.command(&wrong);
    by_nearest_file.current_dir(desk.folder().join("project"));
    for command in [&mut by_variable, &mut by_named_file, &mut by_nearest_file] {
        let failure = Answer::of(command).expect(2).failure();
        assert_eq!(failure["code"], "usage");
        assert!(
            failure["message"]
                .as_str()
                .unwrap()
                .contains("no-such-flag"),
            "{failure}"
        );
    }
    let mut table = desk.command(&[&wrong[..], &["--output", "table"]].concat());
    let answer = Answer::of(table.env("DOTWRAP_OUTPUT", "json")).expect(2);
    assert!(answer.messages.contains("Usage:"), "{}", answer.messages);
}

#[test]
fn a_missing_command_is_json_where_json_was_asked_for() {
    let mut command = Desk::new().command(&[]);
    let answer = Answer::of(command.current_dir("/").env("DOTWRAP_OUTPUT", "json")).expect(2);
    assert_eq!(answer.failure()["message"], "a command is missing");
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let answer = Answer::of(&mut Desk::new().command(&["completions", shell])).expect(0);
        assert!(answer.output.contains("dotwrap"), "{shell}");
    }
}

#[test]
fn the_contracts_words_are_completed() {
    for shell in ["bash", "zsh", "fish"] {
        let answer = Answer::of(&mut Desk::new().command(&["completions", shell])).expect(0);
        assert!(answer.output.contains("SIMULATED_DRY_RUN"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_a_command() {
    let desk = Desk::new();
    Answer::of(&mut desk.command(&["man", "pages"])).expect(0);
    for page in [
        "dotwrap.1",
        "dotwrap-run.1",
        "dotwrap-runs-show.1",
        "dotwrap-gates-open.1",
    ] {
        assert!(desk.folder().join("pages").join(page).is_file(), "{page}");
    }
}

#[test]
fn broken_pipe_exits_0() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn output_to_a_full_disk_ends_with_74() {
    for words in [&["completions", "bash"][..], &["--help"]] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let desk = Desk::new();
        let child = desk
            .command(words)
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn();
        let ended = child.unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            said.contains("output_failed") && said.contains("No space left"),
            "{said}"
        );
        assert_eq!(ended.status.code(), Some(74));
    }
}

#[test]
fn value_that_begins_with_a_dash_is_explained() {
    let desk = Desk::new();
    for format in ["table", "json"] {
        let words = [
            "run", "DOT_X", "--mode", "simulate", "--input", "-rf", "--output", format,
        ];
        let answer = Answer::of(&mut desk.command(&words)).expect(2);
        assert!(
            answer.messages.contains("--input=-rf"),
            "{}",
            answer.messages
        );
        // That would be another value than the option's.
        assert!(
            !answer.messages.contains("-- -r") && !answer.messages.contains("as a value"),
            "{}",
            answer.messages
        );
        let is_joined = answer.messages.matches("joined to its option").count();
        assert_eq!(is_joined, 1, "{}", answer.messages);
    }
    let words = [
        "run",
        "DOT_X",
        "--mode",
        "simulate",
        "--inptu",
        "a\u{202e}b\u{1b}[2J",
    ];
    let answer = Answer::of(&mut desk.command(&words)).expect(2);
    assert!(
        !answer.messages.contains(['\u{202e}', '\u{1b}']),
        "{}",
        answer.messages
    );
}
