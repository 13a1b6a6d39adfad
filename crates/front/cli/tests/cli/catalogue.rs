//! `tools import` of a whole catalogue: candidates, fixtures and contracts beside the tools.

use serde_json::{Value, json};

use crate::support::{Answer, Installation};

const PAIR: &str = "
[[candidate]]
code = 'PROC-CAND:copies'
title = 'Copies'
owner = 'me'

[[tool]]
dot_code = 'DOT_COPY'
name = 'Copy'
tier = 'B'
paired_dot = 'DOT_COPY_CHECK'
pair_role = 'producer'
execution_engine = 'command'

[[tool]]
dot_code = 'DOT_COPY_CHECK'
name = 'Compare'
tier = 'A'
paired_dot = 'DOT_COPY'
pair_role = 'verifier'
execution_engine = 'command'

[[fixture]]
fixture_ref = 'copies/small'
file = 'fixtures/small.json'
";

const CONTRACT: &str = "
[[contract]]
dot_code = 'DOT_COPY'
mode = 'DRY_RUN'
no_mutation_assertion = true
output_namespace = 'DRYRUN-NS:copies'
endpoint_ref = 'command:cp'
fixture_ref = 'copies/small'
timeout_ms = 5000
invocation = { argv = ['cp', '--', '{input}', '{output}'], limits = { output_bytes = 100 } }
";

fn import(installation: &Installation, text: &str, words: &[&str]) -> Answer {
    installation
        .desk
        .file("fixtures/small.json", "{ \"small\": true }\n");
    installation.desk.file("catalogue.toml", text);
    let import = ["tools", "import", "catalogue.toml", "--output", "json"];
    installation.call(&[&import[..], words].concat())
}

/// What was done to each thing, as `kind name action detail`.
fn told(answer: &Answer) -> Vec<String> {
    let changes = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let changes = changes.as_array().unwrap().iter();
    changes
        .map(|change| {
            let told = ["kind", "name", "action", "detail"].map(|field| text(&change[field]));
            told.join(" ")
        })
        .collect()
}

fn listed(installation: &Installation, what: &str) -> Value {
    installation
        .call(&[what, "ls", "--output", "json", "-q"])
        .expect(0)
        .json()
}

#[test]
fn an_import_brings_everything_that_a_catalogue_names() {
    let installation = Installation::as_shipped();
    let text = format!("{PAIR}{CONTRACT}");
    let first = import(&installation, &text, &[]).expect(0);
    let added = [
        "tool DOT_COPY add -",
        "tool DOT_COPY_CHECK add -",
        "candidate PROC-CAND:copies add -",
        "fixture copies/small add -",
        "contract DOT_COPY DRY_RUN add -",
    ];
    assert_eq!(told(&first), added);
    assert_eq!(listed(&installation, "candidates")[0]["owner"], "me");
    assert_eq!(
        listed(&installation, "fixture")[0]["body"],
        json!({"small": true})
    );
    let contract = &listed(&installation, "contract")[0];
    assert_eq!(contract["role"], "producer");
    assert_eq!(contract["invocation"]["argv"][3], "{output}");

    let second = import(&installation, &text, &[]).expect(0);
    assert_eq!(
        told(&second),
        added.map(|line| line.replace(" add ", " keep "))
    );
    assert_eq!(second.json()[4]["dot_code"], "DOT_COPY");
}

#[test]
fn a_change_of_a_contract_a_fixture_or_a_candidate_is_told_by_its_columns() {
    let installation = Installation::as_shipped();
    let text = format!("{PAIR}{CONTRACT}");
    import(&installation, &text, &[]).expect(0);
    let changed = text
        .replace("timeout_ms = 5000", "contract_status = 'draft'")
        .replace("file = 'fixtures/small.json'", "body = { small = false }")
        .replace(
            "title = 'Copies'\nowner = 'me'",
            "title = 'Copies of files'",
        );
    let plan = import(&installation, &changed, &["--dry-run"]).expect(0);
    let done = import(&installation, &changed, &[]).expect(0);
    assert_eq!(
        told(&done)[2..],
        [
            "candidate PROC-CAND:copies change title",
            "fixture copies/small change body, sha256",
            "contract DOT_COPY DRY_RUN change contract_status, timeout_ms",
        ]
    );
    assert_eq!(told(&plan), told(&done));
    // What is left out takes the contract's default; of a candidate it stays.
    assert_eq!(listed(&installation, "contract")[0]["timeout_ms"], 60_000);
    assert_eq!(listed(&installation, "candidates")[0]["owner"], "me");
    assert_eq!(
        listed(&installation, "fixture")[0]["body"],
        json!({"small": false})
    );
}

#[test]
fn a_dry_run_writes_nothing_of_any_kind() {
    let installation = Installation::as_shipped();
    let planned = installation
        .call(&["tools", "import", "--sample", "--dry-run"])
        .expect(0);
    assert!(
        planned.messages.contains("nothing was written"),
        "{}",
        planned.messages
    );
    for what in ["tools", "candidates", "fixture", "contract"] {
        assert_eq!(listed(&installation, what), json!([]), "{what}");
    }
}

#[test]
fn the_sample_brings_contracts_for_both_sides_and_the_pilot_s_fixture() {
    let installation = Installation::with_catalogue();
    let contracts = listed(&installation, "contract");
    for (dot_code, mode) in [
        ("DOT_GIT_BUNDLE_CREATE", "DRY_RUN"),
        ("DOT_GIT_BUNDLE_VERIFY", "DRY_RUN"),
        ("DOT_KG_EXPLAIN", "REAL_RUN"),
        ("DOT_KG_EXPLAIN_VERIFY", "REAL_RUN"),
    ] {
        let mut contracts = contracts.as_array().unwrap().iter();
        let bound =
            contracts.any(|contract| contract["dot_code"] == dot_code && contract["mode"] == mode);
        assert!(bound, "{dot_code} has no contract in mode {mode}");
    }
    assert_eq!(
        listed(&installation, "fixture")[0]["body"]["target"],
        "service:checkout"
    );
    let again = installation
        .call(&["tools", "import", "--sample"])
        .expect(0);
    for kind in ["tools", "candidates", "fixtures", "contracts"] {
        let kept = format!("{kind}: add 0, change 0, keep");
        assert!(again.messages.contains(&kept), "{kept}: {}", again.messages);
    }
}

/// A catalogue's contract is refused before anything is written, by the same rules and with the same codes as the
/// database refuses it.
#[test]
fn what_the_database_would_refuse_is_refused_before_anything_is_written() {
    let installation = Installation::as_shipped();
    let registered = Installation::as_shipped();
    let lonely = "[[tool]]\ndot_code = 'DOT_LONELY'\nname = 'Alone'\ntier = 'A'\n";
    let pair = format!("{PAIR}{lonely}");
    import(&registered, &pair, &[]).expect(0);
    let long = "x".repeat(2001);
    for (from, to, code) in [
        ("'DOT_COPY'", "'DOT_NOBODY'", "unknown_dot"),
        ("'DOT_COPY'", "'DOT_LONELY'", "pair_incomplete"),
        ("'DRY_RUN'", "'SOMETIMES'", "mode_invalid"),
        (
            "timeout_ms",
            "role = 'verifier'\ntimeout_ms",
            "role_invalid",
        ),
        (
            "assertion = true",
            "assertion = false",
            "namespace_forbidden",
        ),
        ("no_mutation_assertion = true", "", "namespace_forbidden"),
        ("DRYRUN-NS:", "NS:", "namespace_forbidden"),
        ("command:cp", "cp", "endpoint_missing"),
        ("command:cp", "command: ", "endpoint_missing"),
        ("'copies/small'", "'copies/large'", "fixture_missing"),
        ("5000", "0", "contract_invalid"),
        (
            "timeout_ms",
            "contract_status = 'maybe'\ntimeout_ms",
            "contract_invalid",
        ),
        (
            "timeout_ms",
            "verifier_schema = 'x'\ntimeout_ms",
            "contract_invalid",
        ),
        ("{ argv", "[{ argv", "contract_invalid"),
        ("command:cp", &format!("command:{long}"), "text_too_long"),
    ] {
        let mut contract = CONTRACT.replace(from, to);
        if to.starts_with('[') {
            contract = contract.replace("100 } }", "100 } }]");
        }
        let refused = import(&installation, &format!("{pair}{contract}"), &["-q"]).expect(2);
        let failure = refused.failure();
        assert_eq!(failure["code"], code, "{contract}: {failure:#}");
        let place = failure["detail"]["refused"][0]["place"].as_str().unwrap();
        let line = pair.lines().count() + 2;
        assert_eq!(place, format!("catalogue.toml:{line}"));
        assert_eq!(listed(&installation, "tools"), json!([]), "{code}");

        registered.desk.file("contract.toml", &contract);
        let set = [
            "contract",
            "set",
            "contract.toml",
            "--output",
            "json",
            "-q",
            "--reason",
            "a test",
        ];
        let database = registered.call(&set);
        assert_eq!(database.failure()["code"], code, "{contract}");
    }
}

#[test]
fn a_fixture_has_one_body_and_it_is_json_below_the_catalogue_s_folder() {
    let installation = Installation::as_shipped();
    installation.desk.file("broken.json", "{ nothing");
    let message = |entry: &str| {
        let text = format!("[[fixture]]\nfixture_ref = 'f'\n{entry}\n");
        let refused = import(&installation, &text, &["-q"]).expect(2);
        refused.failure()["message"].as_str().unwrap().to_owned()
    };
    for (entry, said) in [
        ("", "either a file or a body"),
        (
            "file = 'fixtures/small.json'\nbody = 1",
            "either a file or a body",
        ),
        ("file = '/etc/hostname'", "not a path below"),
        ("file = 'fixtures/../../x.json'", "not a path below"),
        ("file = 'fixtures/none.json'", "cannot be read"),
        ("file = 'broken.json'", "not JSON"),
        ("text = '1'", "unknown field `text`"),
    ] {
        let message = message(entry);
        assert!(message.contains(said), "{entry}: {message}");
        assert!(message.contains("catalogue.toml:"), "{entry}: {message}");
    }
    assert_eq!(listed(&installation, "fixture"), json!([]));
}

#[test]
fn unknown_keys_and_repeated_names_are_named_with_their_place() {
    let installation = Installation::as_shipped();
    for (text, said) in [
        (
            format!("{PAIR}{CONTRACT}speed = 1\n"),
            "unknown field `speed`",
        ),
        (
            format!("{PAIR}{CONTRACT}{CONTRACT}"),
            "DOT_COPY DRY_RUN: it stands here more than once",
        ),
        (
            format!("{PAIR}[[contracts]]\n"),
            "unknown field `contracts`",
        ),
        (
            "[[candidate]]\ncode = 'C'\nname = 'c'\n".to_owned(),
            "unknown field `name`",
        ),
    ] {
        let refused = import(&installation, &text, &["-q"]).expect(2).failure();
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        let place = message.strip_prefix("nothing was imported: ");
        let place = place.unwrap_or(message);
        assert!(place.starts_with("catalogue.toml:"), "{message}");
    }
}

#[test]
fn json_says_the_same_and_takes_what_contract_ls_prints() {
    let installation = Installation::as_shipped();
    import(&installation, &format!("{PAIR}{CONTRACT}"), &[]).expect(0);
    let text = json!({
        "tool": listed(&installation, "tools"),
        "candidate": [{"code": "PROC-CAND:copies", "title": "Copies"}],
        "fixture": [{"fixture_ref": "copies/large", "body": {"large": [1, 2]}}],
        "contract": listed(&installation, "contract"),
    });
    installation.desk.file("catalogue.json", &text.to_string());
    let imported = installation
        .call(&["tools", "import", "catalogue.json", "--output", "json"])
        .expect(0);
    assert_eq!(
        told(&imported),
        [
            "tool DOT_COPY keep -",
            "tool DOT_COPY_CHECK keep -",
            "candidate PROC-CAND:copies keep -",
            "fixture copies/large add -",
            "contract DOT_COPY DRY_RUN keep -",
        ]
    );
    installation.desk.file(
        "wrong.json",
        r#"{"contract":[{"dot_code":"DOT_COPY","mod":"DRY_RUN"}]}"#,
    );
    let wrong = installation.call(&["tools", "import", "wrong.json"]);
    assert!(
        wrong.messages.contains("contract 1 (DOT_COPY)") && wrong.messages.contains("`mod`"),
        "{}",
        wrong.messages
    );
}
