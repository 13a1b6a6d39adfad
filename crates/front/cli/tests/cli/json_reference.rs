//! `docs/json.md` names every field that the program prints, under the command that prints it.

use serde_json::Value;

use crate::support::Installation;

const REFERENCE: &str = include_str!("../../../../../docs/json.md");

/// The text between a heading that begins with this command and the next heading.
fn section(command: &str) -> &'static str {
    let sections = REFERENCE.split("\n### ");
    let heading = format!("`{command}`");
    sections
        .into_iter()
        .find(|section| section.starts_with(&heading))
        .unwrap_or_else(|| panic!("docs/json.md has no section {heading}"))
}

/// The first object of a list, or the object itself.
fn fields(value: &Value) -> Vec<String> {
    let object = value
        .as_array()
        .map_or(Some(value), |rows| rows.first())
        .and_then(Value::as_object);
    object
        .unwrap_or_else(|| panic!("no object in {value}"))
        .keys()
        .cloned()
        .collect()
}

/// Each field that a command printed is named in the section of the command.
#[track_caller]
pub(crate) fn assert_documented(heading: &str, printed: &Value) {
    for field in fields(printed) {
        assert!(
            section(heading).contains(&format!("`{field}`")),
            "docs/json.md: {heading} does not name {field}"
        );
    }
}

/// What the ledger keeps of a call is an object of the runner's; its reference is the contracts'.
#[test]
fn what_is_kept_of_a_call_is_documented() {
    const EVIDENCE: &str = include_str!("../../../../../docs/contracts.md");
    let installation = Installation::with_catalogue();
    for gate in ["operator_runtime_enabled", "execute_enabled"] {
        let open = ["gates", "open", gate, "--for", "10m", "--reason", "a test"];
        installation.call(&open).expect(0);
    }
    let input = installation.desk.file("a", "a\n");
    let run = [
        "run",
        "DOT_SHA256SUM",
        "--mode",
        "dry-run",
        "--runs-folder",
        "runs",
    ];
    let input = ["--input", input.to_str().unwrap(), "--output", "json"];
    let printed = installation
        .call(&[&run[..], &input].concat())
        .expect(0)
        .json();
    let section = section("run --mode dry-run");
    for field in [fields(&printed), fields(&printed["producer"])].concat() {
        assert!(
            section.contains(&format!("`{field}`")),
            "docs/json.md: an executed run does not name {field}"
        );
    }
    let story = installation.json(&["runs", "show", "last"]);
    let section = self::section("runs show");
    for field in [fields(&story), fields(&story["receipts"][0])].concat() {
        assert!(
            section.contains(&format!("`{field}`")),
            "docs/json.md: a run's story does not name {field}"
        );
    }
    for field in fields(&story["components"][0]["evidence_ref"]) {
        assert!(
            EVIDENCE.contains(&format!("`{field}`")),
            "docs/contracts.md does not name {field}"
        );
    }
    let prune = ["runs", "prune", "--older-than", "0s", "--dry-run"];
    let pruned = ["--runs-folder", "runs", "--output", "json"];
    let pruned = installation
        .call(&[&prune[..], &pruned].concat())
        .expect(0)
        .json();
    for field in fields(&pruned) {
        assert!(
            self::section("runs prune").contains(&format!("`{field}`")),
            "docs/json.md: runs prune does not name {field}"
        );
    }
}

#[test]
fn every_field_is_documented_where_its_command_is() {
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
    installation
        .call(&["gates", "close", "execute_enabled", "--reason", "a test"])
        .expect(0);
    installation
        .call(&["run", "DOT_NOBODY_KNOWS", "--candidate", "C"])
        .expect(2);
    installation.desk.file(
        "rows.jsonl",
        r#"{"dot_code":"DOT_GZIP","process_candidate_code":"C","correlation_id":"c"}"#,
    );
    installation.desk.file("fixture.json", "{}");
    installation.desk.file(
        "contracts.toml",
        "[[contract]]\ndot_code = \"DOT_GZIP\"\nmode = \"REAL_RUN\"\nendpoint_ref = \"command:gzip\"\n",
    );
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
    let contract = |dot_code: &str| {
        format!(
            "[[contract]]\ndot_code = \"{dot_code}\"\nmode = \"REAL_RUN\"\nendpoint_ref = \"command:gzip\"\n"
        )
    };
    installation.desk.file(
        "pair.toml",
        &["DOT_GZIP", "DOT_GZIP_TEST"].map(contract).concat(),
    );
    installation
        .call(&[
            "contract",
            "set",
            "pair.toml",
            "--force",
            "--reason",
            "a test",
        ])
        .expect(0);
    installation.call(&["candidates", "set", "C"]).expect(0);
    installation
        .call(&["candidates", "pair", "C", "DOT_GZIP"])
        .expect(0);
    let request = installation.json(&[
        "requests",
        "add",
        "DOT_GZIP",
        "--mode",
        "real-run",
        "--candidate",
        "C",
    ]);
    let request = request["request_id"].as_str().unwrap();
    let id = "01234567-0000-7000-8000-000000000004";
    for (heading, words) in [
        (
            "run",
            &["run", "DOT_SHA256SUM", "--mode", "simulate", "--run-id", id][..],
        ),
        ("observe run", &["observe", "run", "--candidate", "C"]),
        ("backfill", &["backfill", "rows.jsonl", "--source", "s"]),
        ("runs ls", &["runs", "ls"]),
        ("runs show", &["runs", "show", id]),
        ("events outbox", &["events", "outbox"]),
        ("status", &["status"]),
        ("ladder", &["ladder"]),
        ("tools ls", &["tools", "ls"]),
        ("tools import", &["tools", "import", "--sample"]),
        ("candidates ls", &["candidates", "ls"]),
        ("candidates set", &["candidates", "set", "C"]),
        ("candidates pairs", &["candidates", "pairs"]),
        (
            "candidates pair",
            &["candidates", "pair", "C", "DOT_SHA256SUM"],
        ),
        (
            "candidates unpair",
            &["candidates", "unpair", "C", "DOT_SHA256SUM"],
        ),
        (
            "contract retire",
            &["contract", "retire", "DOT_GZIP", "REAL_RUN"],
        ),
        (
            "tools retire",
            &["tools", "retire", "DOT_GZIP", "--reason", "r"],
        ),
        ("contract ls", &["contract", "ls"]),
        ("fixture ls", &["fixture", "put", "f", "fixture.json"]),
        (
            "gates open",
            &[
                "gates",
                "open",
                "execute_enabled",
                "--for",
                "1m",
                "--reason",
                "r",
            ],
        ),
        ("lease release", &["lease", "release", "L", "--reason", "r"]),
        (
            "events activate",
            &["events", "activate", "process.run.failed", "--reason", "r"],
        ),
        ("gates", &["gates"]),
        ("gates history", &["gates", "history"]),
        ("preflight", &["preflight"]),
        ("lease ls", &["lease", "ls"]),
        ("requests ls", &["requests", "ls"]),
        (
            "requests cancel",
            &["requests", "cancel", request, "--reason", "r"],
        ),
        ("events ls", &["events", "ls"]),
        ("refusals ls", &["refusals", "ls"]),
        ("refusals codes", &["refusals", "codes"]),
        ("embedded status", &["embedded", "status"]),
        ("embedded stop", &["embedded", "stop"]),
        ("doctor", &["doctor"]),
        ("verify", &["verify"]),
    ] {
        assert_documented(heading, &installation.json(words));
    }
}
