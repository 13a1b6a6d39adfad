//! Warnings, filters and transcripts of executed runs.

use super::site::{Pair, Site, end};

fn warning_pair() -> Pair {
    Pair {
        invocation: "warn_exit = [1]".to_owned(),
        ..Pair::of_producer("echo made > '{output}'; test '{input}' = fine")
    }
}

#[test]
fn a_warning_is_recorded_shown_and_can_fail_the_command() {
    let site = Site::with(&warning_pair());
    let answer = site.run("real-run", &["--input", "odd", "--key", "odd-1"]);
    let answer = answer.expect(0);
    assert!(answer.messages.contains("warn_exit"), "{}", answer.messages);
    let run = answer.json();
    assert_eq!(run["verdict"], "pass");
    assert_eq!(run["producer"]["warnings"][0]["code"], "warn_exit");
    assert_eq!(site.rung(), "verified_candidate");
    site.run("real-run", &["--input", "odd", "--fail-on-warning"])
        .expect(1);
    site.run("real-run", &["--input", "fine", "--fail-on-warning"])
        .expect(0);
    let list = |words: &[&str]| {
        let words = [&["runs", "ls", "--output", "json"][..], words].concat();
        let listed = site.0.call(&words).expect(0).json();
        let warnings = listed.as_array().unwrap().iter();
        let warnings: Vec<u64> = warnings
            .map(|run| run["warnings"].as_u64().unwrap())
            .collect();
        warnings
    };
    assert_eq!(list(&[]), [0, 1, 1]);
    assert_eq!(list(&["--warnings"]), [1, 1]);
    let table = site.0.call(&["runs", "ls"]).expect(0);
    assert!(table.output.contains("pass !"), "{}", table.output);
    assert!(
        table.messages.contains("!: with warnings"),
        "{}",
        table.messages
    );
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(!shown.contains("warn_exit"), "{shown}");
    let id = run["process_run_id"].as_str().unwrap();
    let shown = site.0.call(&["runs", "show", id]).expect(0).output;
    assert!(shown.contains("warning      warn_exit"), "{shown}");
    site.holds();
}

#[test]
fn runs_are_filtered_by_what_is_known_of_them() {
    let site = Site::with(&Pair::of_verifier("test '{input}' = good"));
    site.run(
        "real-run",
        &["--input", "good", "--key", "k1", "--actor", "ana"],
    )
    .expect(0);
    site.run("real-run", &["--input", "bad", "--actor", "bob"])
        .expect(1);
    let count = |words: &[&str]| {
        let words = [&["runs", "ls", "--output", "json"][..], words].concat();
        let listed = site.0.call(&words).expect(0).json();
        listed.as_array().unwrap().len()
    };
    for (words, expected) in [
        (&["--verdict", "fail"][..], 1),
        (&["--verdict", "pass"], 1),
        (&["--verdict", "error"], 0),
        (&["--status", "completed"], 2),
        (&["--actor", "bob"], 1),
        (&["--input", "good"], 1),
        (&["--key", "k1"], 1),
        (&["--key", "k2"], 0),
        (&["--evidence", "REAL_RUN"], 2),
        (&["--evidence", "DRY_RUN"], 0),
        (&["--since", "1h"], 2),
        (&["--until", "1h"], 0),
        (&["--since", "2000-01-01"], 2),
        (&["--until", "2000-01-01T00:00:00Z"], 0),
        (&["--verdict", "fail", "--actor", "ana"], 0),
    ] {
        assert_eq!(count(words), expected, "{words:?}");
    }
    site.0
        .call(&["runs", "ls", "--since", "yesterday"])
        .expect(2);
    let first = site
        .0
        .call(&["runs", "ls", "--limit", "1", "--output", "json"]);
    let first = first.expect(0);
    let (_, cursor) = first.messages.split_once("--after ").unwrap();
    let cursor = cursor.split_whitespace().next().unwrap();
    assert_eq!(count(&["--after", cursor]), 1);
}

#[test]
fn a_failed_run_shows_the_end_of_standard_error_and_logs_has_all_of_it() {
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo \"line $i of it\" >&2; done; printf 'say \\033[31mred' >&2; \
                  echo printed; exit 3";
    let site = Site::with(&Pair::of_producer(script));
    let words: Vec<&str> = Site::words("real-run", &[])
        .into_iter()
        .map(|word| if word == "json" { "table" } else { word })
        .collect();
    let failed = site.0.call(&words).expect(1).output;
    assert!(failed.contains("    line 4 of it"), "{failed}");
    assert!(!failed.contains("line 3 of it"), "{failed}");
    assert!(
        failed.contains("red") && !failed.contains('\u{1b}'),
        "{failed}"
    );
    let logs = |words: &[&str]| {
        let words = [
            &["runs", "logs", "last", "--runs-folder", "runs"][..],
            words,
        ]
        .concat();
        site.0.call(&words)
    };
    assert_eq!(logs(&[]).expect(0).output, "printed\n");
    let stderr = logs(&["--stderr", "-n", "3"]).expect(0).output;
    assert!(
        stderr.starts_with("line 11 of it\nline 12 of it\n"),
        "{stderr}"
    );
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    // The verifier was not called.
    let none = logs(&["--verifier"]).expect(2).messages;
    assert!(none.contains("no_transcript"), "{none}");
    site.run("simulate", &[]).expect(0);
    let none = logs(&[]).expect(2).messages;
    assert!(none.contains("called no tool"), "{none}");
}

#[test]
fn logs_follow_a_run_to_its_end() {
    let script =
        "echo begun; until test -e '{input}.go'; do sleep 0.05; done; echo gone; echo > '{output}'";
    let site = Site::with(&Pair::of_producer(script));
    let input = site.path("input").to_str().unwrap().to_owned();
    let run = site.start(&Site::words("real-run", &["--input", &input]));
    super::site::until(|| {
        let begun = !site.runs().is_empty();
        begun.then_some(())
    });
    let words = ["runs", "logs", "last", "--runs-folder", "runs", "--follow"];
    let follower = site.start(&words);
    std::thread::sleep(std::time::Duration::from_millis(300));
    site.file("input.go", "");
    end(run).expect(0);
    assert_eq!(end(follower).expect(0).output, "begun\ngone\n");
}

#[test]
fn an_input_with_a_password_is_refused_unless_it_is_allowed() {
    let site = Site::with(&Pair::default());
    let input = "https://ana:hunter2@host/x";
    let refused = site.run("simulate", &["--input", input]).expect(2);
    assert!(
        refused.messages.contains("input_has_secret"),
        "{}",
        refused.messages
    );
    assert!(
        !refused.messages.contains("hunter2"),
        "{}",
        refused.messages
    );
    let words = [
        "requests", "add", "DOT_MAKE", "--mode", "dry-run", "--input", input,
    ];
    site.0.call(&words).expect(2);
    site.run("simulate", &["--input", "https://ana@host/x"])
        .expect(0);
    site.run("simulate", &["--input", input, "--allow-secret-input"])
        .expect(0);
}
