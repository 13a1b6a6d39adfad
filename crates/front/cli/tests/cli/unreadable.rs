//! Rows that came in before the contract kept them out, or past it: they are shown, and hide nothing beside them.

use dotwrap_testkit::{TestDatabase, Version};
use serde_json::Value;

use crate::support::{Answer, Desk, Installation, wait};

const FORGED: [&str; 2] = [r#"{"a": 1e400}"#, "{\"a\": DEEP}"];

fn of_version(version: Version) -> Installation {
    let installation = Installation {
        database: wait(TestDatabase::create(version)),
        desk: Desk::new(),
    };
    installation
        .call(&["tools", "import", "--sample"])
        .expect(0);
    installation
}

/// Puts such JSON into one row of each listing; everything else stays as it is.
fn forge(installation: &Installation, json: &str) -> String {
    let run = installation
        .simulate(&["--key", "bad", "--output", "json"])
        .expect(0)
        .json();
    installation.simulate(&["--key", "good"]).expect(0);
    let run = run["process_run_id"].as_str().unwrap().to_owned();
    let json = json.replace("DEEP", &format!("{}{}", "[".repeat(200), "]".repeat(200)));
    installation.sql_as_superuser(&format!(
        "SET search_path = dot; SET session_replication_role = replica;
         UPDATE process_run_observation SET evidence_ref = '{json}' WHERE process_run_id = '{run}';
         UPDATE process_component_observation SET evidence_ref = '{json}' WHERE process_run_id = '{run}';
         UPDATE dot_tools SET extra_metadata = '{json}' WHERE dot_code = 'DOT_SHA256SUM';
         INSERT INTO dot_fixture (fixture_ref, sha256, body) VALUES ('bad', repeat('a', 64), '{json}');
         INSERT INTO dot_agent_api_contract (dot_code, mode, role, endpoint_ref, invocation, expected_output_schema,
           contract_sha256)
         VALUES ('DOT_SHA256SUM', 'REAL_RUN', 'producer', 'command:x', '{json}', '{json}', repeat('a', 64))
         ON CONFLICT (dot_code, mode) DO UPDATE SET invocation = excluded.invocation;
         INSERT INTO dot_refusal (refusal_id, refusal_code, message, posture, detail)
         VALUES (gen_random_uuid(), 'x', 'm', 'NO_EXECUTE', '{json}');
         INSERT INTO event_outbox (event_id, event_type, stream, lane, severity, correlation_id, process_run_id, payload,
           occurred_at)
         VALUES (gen_random_uuid(), 'process.run.completed', 's', 'delayed', 'info', 'c', '{run}', '{json}', now())"
    ));
    run
}

fn warns_of(answer: &Answer, name: &str) {
    assert!(
        answer.messages.contains("cannot be decoded") && answer.messages.contains(name),
        "{name}: {}",
        answer.messages
    );
}

fn each_listing_is_shown(version: Version) {
    for json in FORGED {
        let installation = of_version(version);
        let run = forge(&installation, json);
        for (words, name) in [
            (&["runs", "ls"][..], run.as_str()),
            (&["runs", "show", &run], &run),
            (&["tools", "ls"], "DOT_SHA256SUM"),
            (&["tools", "show", "DOT_SHA256SUM"], "DOT_SHA256SUM"),
            (&["contract", "ls"], "dot_code DOT_SHA256SUM, mode REAL_RUN"),
            (&["contract", "show", "DOT_SHA256SUM"], "mode REAL_RUN"),
            (&["fixture", "ls"], "bad"),
            (&["fixture", "show", "bad"], "bad"),
            (&["refusals", "ls"], "refusal_id"),
            (&["events", "outbox"], "event_id"),
        ] {
            for format in ["table", "json", "jsonl"] {
                let words = [words, &["--output", format]].concat();
                warns_of(&installation.call(&words).expect(0), name);
            }
        }
        for words in [&["runs", "show", "last"][..], &["status"], &["ladder"]] {
            installation.call(words).expect(0);
        }
        let runs = installation.json(&["runs", "ls"]);
        let runs = runs.as_array().unwrap();
        assert_eq!(runs.len(), 2);
        let of_run = |run: &&Value| run["process_run_id"].as_str().unwrap().to_owned();
        let bad = runs.iter().find(|it| of_run(it) == run).unwrap();
        let good = runs.iter().find(|it| of_run(it) != run).unwrap();
        assert!(bad["evidence_ref"]["undecodable"].is_string(), "{bad}");
        assert_eq!(good["evidence_ref"]["wrapper"], "dot_exec_wrapper");
        let tools = installation.json(&["tools", "ls"]);
        assert!(tools.as_array().unwrap().len() > 2);
    }
}

#[test]
fn a_row_that_can_not_be_decoded_is_named_and_hides_no_other_on_the_oldest_server() {
    each_listing_is_shown(Version::V15);
}

#[test]
fn a_row_that_can_not_be_decoded_is_named_and_hides_no_other_on_the_newest_server() {
    each_listing_is_shown(Version::V18);
}

#[test]
fn recorded_characters_that_steer_a_terminal_are_shown_and_codes_of_mixed_scripts_are_marked() {
    let installation = of_version(Version::V15);
    let mixed = "PROC-CAND:b\u{430}ckup";
    let words = [
        "run",
        "DOT_SHA256SUM",
        "--mode",
        "simulate",
        "--candidate",
        mixed,
    ];
    let answer = installation.call(&words).expect(0);
    assert!(
        answer.output.contains("(mixes Cyrillic and Latin)"),
        "{}",
        answer.output
    );
    installation.sql_as_superuser(
        "SET search_path = dot; SET session_replication_role = replica;
         UPDATE process_run_observation SET actor = U&'ann\\202E\\009B' || '2J', process_candidate_code = U&'C\\202E';
         UPDATE dot_tools SET name = U&'n\\2066\\001B' || '[2J' WHERE dot_code = 'DOT_SHA256SUM'",
    );
    for words in [
        &["runs", "ls"][..],
        &["runs", "show", "last"],
        &["tools", "ls"],
        &["tools", "show", "DOT_SHA256SUM"],
        &["ladder"],
    ] {
        for format in ["table", "json", "jsonl"] {
            let answer = installation
                .call(&[words, &["--output", format]].concat())
                .expect(0);
            let printed = format!("{}{}", answer.output, answer.messages);
            let steering = ['\u{202e}', '\u{9b}', '\u{2066}', '\u{1b}'];
            assert!(!printed.contains(steering), "{words:?}: {printed:?}");
        }
    }
    let shown = installation.json(&["runs", "ls"]);
    assert_eq!(shown[0]["actor"], "ann\u{202e}\u{9b}2J");
    let failed = installation.call(&["tools", "show", "DOT\u{202e}\u{1b}[2J"]);
    assert!(
        !failed.messages.contains(['\u{202e}', '\u{1b}']),
        "{:?}",
        failed.messages
    );
}

#[test]
fn a_contracts_values_are_hidden_from_whoever_shows_it_and_an_import_still_knows_them() {
    let installation = of_version(Version::V15);
    let contract = "[[contract]]\ndot_code = \"DOT_SHA256SUM\"\nmode = \"REAL_RUN\"\n\
        endpoint_ref = \"command:sha256sum\"\n\
        [contract.invocation]\nargv = [\"sha256sum\"]\n[contract.invocation.variables]\nTOKEN = \"hunter2\"\n";
    let file = installation.desk.file("contract.toml", contract);
    let file = file.to_str().unwrap();
    installation.call(&["contract", "set", file, "--reason", "a test"]);
    for words in [
        &["contract", "show", "DOT_SHA256SUM"][..],
        &["tools", "show", "DOT_SHA256SUM"],
    ] {
        for format in ["table", "json"] {
            let answer = installation
                .call(&[words, &["--output", format]].concat())
                .expect(0);
            assert!(!answer.output.contains("hunter2"), "{}", answer.output);
        }
    }
    let shown = installation
        .call(&["contract", "show", "DOT_SHA256SUM"])
        .expect(0);
    assert!(shown.output.contains("(hidden)"), "{}", shown.output);
    // An import compares with the values themselves.
    let plan = |text: &str| {
        let file = installation.desk.file("import.toml", text);
        let words = ["tools", "import", file.to_str().unwrap(), "--dry-run"];
        let answer = installation.call(&[&words[..], &["--output", "json"]].concat());
        answer.expect(0).output
    };
    assert!(plan(contract).contains("keep"), "{}", plan(contract));
    let changed = contract.replace("hunter2", "hunter3");
    assert!(plan(&changed).contains("change"), "{}", plan(&changed));
}
