//! `demo` and the embedded default.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::home::Home;
use crate::support::{Answer, Installation};

#[test]
fn the_demonstration_can_be_repeated_and_leaves_the_users_ledger_alone() {
    let home = Home::new();
    let first = home.call(&["demo", "--output", "json"]).expect(0).json();
    let second = home.call(&["demo", "--output", "json"]).expect(0);
    assert_eq!(second.messages, "", "nobody has to be warned of anything");
    let second = second.json();
    assert_ne!(
        first[3]["found"]["process_run_id"],
        second[3]["found"]["process_run_id"]
    );
    let refused = first[6]["found"].as_array().unwrap();
    let codes: Vec<_> = refused
        .iter()
        .map(|refused| refused["code"].as_str().unwrap())
        .collect();
    for code in [
        "real_run_disabled",
        "unknown_dot",
        "actor_required",
        "idempotency_conflict",
        "lease_held",
        "ledger_append_only",
    ] {
        assert!(codes.contains(&code), "{code} is not among {codes:?}");
    }
    let shown = home
        .call(&["--schema", "dot_demo", "runs", "show", "last"])
        .expect(0);
    assert!(shown.output.contains("gate_closed"), "{}", shown.output);
    let own = home.call(&["runs", "ls", "--output", "json"]).expect(0);
    assert_eq!(own.json(), serde_json::json!([]));
    assert!(
        own.messages.contains("installed the contract"),
        "{}",
        own.messages
    );
    let again = home.call(&["runs", "ls", "--output", "json"]).expect(0);
    assert!(
        !again.messages.contains("installed the contract"),
        "{}",
        again.messages
    );
}

/// What a step of the demonstration found.
fn found<'a>(performance: &'a Value, title: &str) -> &'a Value {
    let mut steps = performance.as_array().unwrap().iter();
    let step = steps.find(|step| step["title"] == title);
    &step.unwrap_or_else(|| panic!("no step {title}"))["found"]
}

#[test]
fn demo_runs_and_detects_tampering() {
    let home = Home::new();
    let shown = home.call(&["demo", "--output", "json"]).expect(0).json();
    for (title, rung) in [
        ("Gates, opened for five minutes", "structural_candidate"),
        ("Simulated: nothing is called", "simulated_observed"),
        ("A dry run: the tools are called", "dry_run_observed"),
        ("Somebody changes the output", "real_run_observed"),
        ("The real run", "verified_candidate"),
    ] {
        let step = found(&shown, title);
        assert_eq!(step["rung"], rung, "{title}: {step:#}");
    }
    assert_eq!(
        found(&shown, "Somebody changes the output")["verdict"],
        "fail"
    );
    assert_eq!(found(&shown, "The real run")["verdict"], "pass");
    let stopped = found(&shown, "A gate closes while a tool runs");
    assert_eq!(stopped["stop"]["reason"], "gate_closed", "{stopped:#}");
    assert_eq!(
        stopped["stop_cause"]["gate"],
        "process_dot_runtime.real_run_enabled"
    );
    let signals = stopped["stop"]["signals_sent"].to_string();
    assert!(!signals.contains("SIGKILL"), "within its grace: {signals}");
    assert!(
        !stopped["stop"]["signals_sent"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let verdicts = found(&shown, "An independent check");
    assert_eq!(verdicts["violations"], 0, "{verdicts:#}");

    let in_demo = |words: &[&str]| {
        let words = [&["--schema", "dot_demo", "--output", "json"], words].concat();
        home.call(&words).expect(0).json()
    };
    assert_eq!(in_demo(&["gates"])["posture"], "NO_EXECUTE");
    let changes = in_demo(&["gates", "history"]);
    for change in changes.as_array().unwrap() {
        let opens = (change["value"] == "true")
            != change["key"].as_str().unwrap().ends_with("dry_run_only");
        assert_eq!(
            change["expires_at"].is_string(),
            opens || change["reason"] == "to see a call stopped",
            "{change:#}"
        );
    }
    assert_eq!(
        home.call(&["gates", "history", "--output", "json"])
            .expect(0)
            .json(),
        serde_json::json!([]),
        "the user's own gates are not touched"
    );
}

/// The commands that the demonstration prints after `$`, continued lines joined.
fn printed_commands(text: &str) -> Vec<String> {
    let text = text.replace(" \\\n", " ");
    let commands = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("$ "));
    commands.map(str::to_owned).collect()
}

/// Each is tried against a database that is not there: then only the arguments can be refused as usage.
#[test]
fn every_printed_command_of_the_demonstration_is_accepted() {
    let home = Home::new();
    let shown = home.call(&["demo"]).expect(0).output;
    let commands = printed_commands(&shown);
    assert!(commands.len() > 10, "{shown}");
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        assert_eq!(words[0], "dotwrap", "{command}");
        if words.contains(&"run") {
            assert!(words.contains(&"--mode"), "{command}");
        }
        let mut call = home.command(&words[1..]);
        call.env("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none");
        let answer = Answer::of(&mut call);
        let status = if words[1] == "--help" { 0 } else { 69 };
        assert_eq!(answer.status, status, "{command}: {}", answer.messages);
    }
}

#[test]
fn a_demonstration_that_is_interrupted_closes_its_gates_too() {
    let home = Home::new();
    let mut demo = home.command(&["demo", "--output", "jsonl"]);
    let mut demo = demo
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if line.contains("Gates, opened") {
            kill(Pid::from_raw(demo.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        }
        assert!(
            !line.contains("An independent check"),
            "it went on to its end"
        );
    }
    assert_eq!(demo.wait().unwrap().code(), Some(1));
    let gates = ["--schema", "dot_demo", "gates", "--output", "json"];
    assert_eq!(home.call(&gates).expect(0).json()["posture"], "NO_EXECUTE");
}

#[test]
fn variables_for_another_server_do_not_lead_the_embedded_one_astray() {
    let home = Home::new();
    let mut command = home.command(&["tools", "import", "--sample"]);
    command
        .env("PGPORT", "1")
        .env("PGHOST", "/nowhere")
        .env("PGHOSTADDR", "192.0.2.1")
        .env("PGOPTIONS", "-c nonsense=1");
    command
        .env("PGUSER", "somebody")
        .env("PGDATABASE", "elsewhere")
        .env("PGSSLMODE", "verify-full");
    command
        .env("PGCHANNELBINDING", "require")
        .env("PGSSLCERT", "/nowhere")
        .env("PGSSLROOTCERT", "/nowhere")
        .env("PGSSLNEGOTIATION", "direct")
        .env("PGTARGETSESSIONATTRS", "standby")
        .env("PGCONNECT_TIMEOUT", "soon");
    Answer::of(&mut command).expect(0);
}

#[test]
fn a_mistyped_schema_is_not_made_in_the_embedded_database() {
    let home = Home::new();
    home.call(&["runs", "ls"]).expect(0);
    for words in [&["runs", "ls"][..], &["verify"]] {
        let answer = home
            .call(&[words, &["--schema", "dto"]].concat())
            .expect(70);
        assert!(
            answer.messages.contains("not_installed")
                && answer.messages.contains("dotwrap install"),
            "{}",
            answer.messages
        );
    }
    home.call(&["install", "--schema", "team"]).expect(0);
    home.call(&["runs", "ls", "--schema", "team"]).expect(0);
}

#[test]
fn the_demonstration_can_use_a_configured_database_in_a_schema_of_its_own() {
    let installation = Installation::empty();
    installation.call(&["demo", "--use-database"]).expect(0);
    installation.call(&["status"]).expect(70);
    installation
        .call(&["--schema", "dot_demo", "runs", "show", "last"])
        .expect(0);
    // Its roles are the server's, and nobody else removes them.
    installation.sql_as_superuser("DROP SCHEMA dot_demo CASCADE");
    for role in [
        "reader", "observer", "runner", "operator", "relay", "archiver", "checker", "owner",
    ] {
        installation.sql_as_superuser(&format!(
            "DROP OWNED BY dot_demo_{role}; DROP ROLE dot_demo_{role}"
        ));
    }
}
