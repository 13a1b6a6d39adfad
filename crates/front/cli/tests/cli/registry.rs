//! `tools` and `candidates`.

use crate::assert_answer;
use crate::support::{Answer, Installation};

#[test]
fn an_import_says_what_it_adds_and_the_second_one_keeps() {
    let installation = Installation::as_shipped();
    let first = installation
        .call(&["tools", "import", "--sample"])
        .expect(0);
    assert!(
        first.messages.contains("add 40, change 0, keep 0"),
        "{}",
        first.messages
    );
    let second = installation
        .call(&["tools", "import", "--sample"])
        .expect(0);
    assert!(
        second.messages.contains("add 0, change 0, keep 40"),
        "{}",
        second.messages
    );
}

#[test]
fn a_dry_run_writes_nothing() {
    let installation = Installation::as_shipped();
    installation
        .call(&["tools", "import", "--sample", "--dry-run"])
        .expect(0);
    assert_eq!(
        installation
            .call(&["tools", "ls", "--output", "json", "-q"])
            .json(),
        serde_json::json!([])
    );
}

const PAIR: &str = "\
[[tool]]
dot_code = 'DOT_COPY'
name = 'Copy'
tier = 'B'
paired_dot = 'DOT_COPY_CHECK'
pair_role = 'producer'

[[tool]]
dot_code = 'DOT_COPY_CHECK'
name = 'Compare'
tier = 'A'
paired_dot = 'DOT_COPY'
pair_role = 'verifier'
";

#[test]
fn an_import_with_one_bad_entry_imports_nothing_and_names_its_place() {
    let installation = Installation::as_shipped();
    installation.desk.file(
        "tools.toml",
        &format!("{PAIR}\n[[tool]]\ndot_code = 'DOT_ODD'\nname = 'Odd'\ntier = 'C'\n"),
    );
    let answer = installation.call(&["tools", "import", "tools.toml"]);
    assert_answer!(answer);
    assert_eq!(
        installation
            .call(&["tools", "ls", "--output", "json", "-q"])
            .json(),
        serde_json::json!([])
    );
}

#[test]
fn a_half_pair_is_refused() {
    let installation = Installation::as_shipped();
    let half = PAIR.split("\n\n").next().unwrap();
    installation.desk.file("tools.toml", half);
    let failure = installation
        .call(&["tools", "import", "tools.toml", "-q", "--output", "json"])
        .expect(2)
        .messages;
    assert!(
        failure.contains("DOT_COPY_CHECK") && failure.contains("tools.toml:1"),
        "{failure}"
    );
}

#[test]
fn a_change_is_told_column_by_column() {
    let installation = Installation::as_shipped();
    installation.desk.file("tools.toml", PAIR);
    installation
        .call(&["tools", "import", "tools.toml"])
        .expect(0);
    installation
        .desk
        .file("tools.toml", &PAIR.replace("'Copy'", "'Copy it'"));
    let plan = installation.json(&["tools", "import", "tools.toml"]);
    assert_eq!(plan[0]["action"], "change");
    assert_eq!(plan[0]["detail"], "name");
    assert_eq!(plan[1]["action"], "keep");
}

#[test]
fn standard_input_is_read_where_a_dash_stands() {
    let installation = Installation::as_shipped();
    let mut command = installation
        .desk
        .command(&["tools", "import", "-", "--format", "csv"]);
    command.env(
        "DATABASE_URL",
        installation.database.url_as(installation.database.owner()),
    );
    installation
        .desk
        .file("input.csv", "dot_code,name,tier\nDOT_READER,Reader,A\n");
    command.stdin(std::fs::File::open(installation.desk.folder().join("input.csv")).unwrap());
    Answer::of(&mut command).expect(0);
    installation
        .call(&["tools", "show", "DOT_READER"])
        .expect(0);
}

#[test]
fn a_tool_is_shown_beside_its_pair_and_why_that_checks_it() {
    assert_answer!(Installation::with_catalogue().call(&["tools", "show", "DOT_SQLITE_BACKUP"]));
}

#[test]
fn a_candidate_gets_its_owner() {
    let installation = Installation::as_shipped();
    installation
        .call(&[
            "candidates",
            "set",
            "PROC-CAND:mine",
            "--title",
            "Mine",
            "--owner",
            "me",
        ])
        .expect(0);
    let candidates = installation.json(&["candidates", "ls"]);
    assert_eq!(candidates[0]["owner"], "me");
}

#[test]
fn contracts_are_set_from_a_file_and_shown() {
    let installation = Installation::with_catalogue();
    let shown = || installation.json(&["contract", "show", "DOT_GPG_SIGN"]);
    assert_eq!(shown(), serde_json::json!([]));
    let contract = |mode: &str| {
        format!(
            "[[contract]]\ndot_code = \"DOT_GPG_SIGN\"\nmode = \"{mode}\"\nendpoint_ref = \"command:restic\"\n\
             no_mutation_assertion = true\noutput_namespace = \"DRYRUN-NS:restic\"\ninvocation = {{ argv = [\"--version\"] }}\n"
        )
    };
    let file = installation.desk.file(
        "contracts.toml",
        &format!("{}{}", contract("DRY_RUN"), contract("REAL_RUN")),
    );
    let file = file.to_str().unwrap();
    let set = ["contract", "set", file, "--force", "--reason", "a test"];
    let answer = installation.call(&set).expect(0);
    assert!(
        answer.messages.contains("set DOT_GPG_SIGN DRY_RUN"),
        "{}",
        answer.messages
    );
    let again = installation.call(&set).expect(0).messages;
    assert!(
        again.contains("kept DOT_GPG_SIGN DRY_RUN: nothing changed"),
        "{again}"
    );
    let contracts = shown();
    assert_eq!(contracts[0]["mode"], "DRY_RUN");
    assert_eq!(contracts[1]["invocation"]["argv"][0], "--version");
    let listed = installation.json(&["contract", "ls"]);
    let listed: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|contract| contract["dot_code"] == "DOT_GPG_SIGN")
        .collect();
    assert_eq!(serde_json::json!(listed), contracts);
    installation
        .call(&["contract", "show", "DOT_NOBODY"])
        .expect(2);
    for (text, said) in [
        (contract("SOMETIMES"), "mode_invalid"),
        (
            contract("DRY_RUN")
                .replace("restic", "")
                .replace("command:", "x"),
            "endpoint_missing",
        ),
        ("[[contract]]\nspeed = 1\n".to_owned(), "speed"),
    ] {
        let file = installation.desk.file("wrong.toml", &text);
        let answer = installation.call(&[
            "contract",
            "set",
            file.to_str().unwrap(),
            "--reason",
            "a test",
        ]);
        assert!(
            answer.messages.contains(said),
            "{said}: {}",
            answer.messages
        );
        assert_ne!(answer.status, 0);
    }
}

/// Two tools, and the verifier's contract with this invocation.
fn pair_with(invocation: &str) -> String {
    let tool = |code: &str, pair: &str, role: &str, tier: &str| {
        format!(
            "[[tool]]\ndot_code = \"{code}\"\nname = \"{code}\"\ntier = \"{tier}\"\npaired_dot = \"{pair}\"\n\
             pair_role = \"{role}\"\nexecution_engine = \"command\"\n"
        )
    };
    tool("DOT_ONE", "DOT_TWO", "producer", "B")
        + &tool("DOT_TWO", "DOT_ONE", "verifier", "A")
        + &contract_of_two(invocation)
}

fn contract_of_two(invocation: &str) -> String {
    format!(
        "[[contract]]\ndot_code = \"DOT_TWO\"\nmode = \"DRY_RUN\"\nendpoint_ref = \"command:sh\"\n\
         no_mutation_assertion = true\noutput_namespace = \"DRYRUN-NS:two\"\ninvocation = {{ {invocation} }}\n"
    )
}

#[test]
fn a_verifier_that_is_not_told_where_the_output_is_is_told_of_everywhere() {
    const WARNING: &str =
        "DOT_TWO DRY_RUN: no argument, variable or stdin of the verifier uses {output}";
    let installation = Installation::as_shipped();
    let blind = "argv = [\"-c\", \"true\"]";
    let file = |name, text: &str| installation.desk.file(name, text);
    let pair = file("pair.toml", &pair_with(blind));
    let one = file("one.toml", &contract_of_two(blind));
    let [pair, one] = [&pair, &one].map(|file| file.to_str().unwrap());
    for words in [
        &["tools", "import", pair][..],
        &["contract", "set", one, "--reason", "a test"],
        &["doctor"],
    ] {
        let answer = installation.call(words);
        let said = format!("{}{}", answer.output, answer.messages);
        assert!(said.contains(WARNING), "{words:?}: {said}");
    }
    let sees = "argv = [\"-c\", \"test -e \\\"$1\\\"\", \"{output}\"]";
    let pair = file("pair.toml", &pair_with(sees));
    for words in [
        &["tools", "import", pair.to_str().unwrap()][..],
        &["doctor"],
    ] {
        let answer = installation.call(words);
        let said = format!("{}{}", answer.output, answer.messages);
        assert!(!said.contains("not told where"), "{words:?}: {said}");
    }
}

#[test]
fn a_dry_run_that_may_write_everywhere_is_refused_before_it_is_registered() {
    let installation = Installation::as_shipped();
    let refuses = |words: &[&str]| {
        let answer = installation.call(words).expect(2);
        let said = answer.messages.replace("\n  │", "");
        assert!(said.contains("opens the whole file system"), "{said}");
    };
    let file = |name, text: &str| installation.desk.file(name, text);
    for everything in ["/", "//", "/tmp/.."] {
        let invocation =
            format!("argv = [\"{{output}}\"], paths = {{ write = [\"{everything}\"] }}");
        let pair = file("pair.toml", &pair_with(&invocation));
        refuses(&["tools", "import", pair.to_str().unwrap()]);
        let listed = installation.call(&["tools", "ls", "--output", "json"]);
        assert_eq!(listed.expect(0).json(), serde_json::json!([]));
    }
    let pair = file("pair.toml", &pair_with("argv = [\"{output}\"]"));
    installation
        .call(&["tools", "import", pair.to_str().unwrap()])
        .expect(0);
    let invocation = "argv = [\"{output}\"], paths = { write = [\"/\"] }";
    let one = file("one.toml", &contract_of_two(invocation));
    refuses(&[
        "contract",
        "set",
        one.to_str().unwrap(),
        "--reason",
        "a test",
    ]);
}

#[test]
fn a_fixture_is_kept_with_the_digest_of_its_file() {
    let installation = Installation::as_shipped();
    let file = installation.desk.file("graph.json", "{ \"nodes\": 4 }\n");
    let file = file.to_str().unwrap();
    let put = ["fixture", "put", "kg/explain", file];
    let kept = installation.json(&put);
    assert_eq!(
        kept["sha256"],
        "b5cca23439e4f8ca584c5bdf2432a4e745da25334bd733a61697d1b23129df16"
    );
    assert_eq!(kept["body"]["nodes"], 4);
    let shown = installation.json(&["fixture", "show", "kg/explain"]);
    assert_eq!(shown, kept);
    let wrong = "0".repeat(64);
    let refused = installation.call(&[&put[..], &["--sha256", &wrong]].concat());
    assert!(
        refused.messages.contains("fixture_digest_mismatch"),
        "{}",
        refused.messages
    );
    installation.call(&["fixture", "show", "nothing"]).expect(2);
}
