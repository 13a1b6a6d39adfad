//! `demo` and the embedded default.

use crate::support::{Answer, Desk, Installation};

/// A home whose path is short and open to the account that runs the server for root.
fn at_home(desk: &Desk, words: &[&str]) -> std::process::Command {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(desk.folder(), PermissionsExt::from_mode(0o711)).unwrap();
    let mut command = desk.command(words);
    command.env("DOTWRAP_HOME", desk.folder().join("home"));
    command
}

#[test]
fn the_demonstration_can_be_repeated_and_leaves_the_users_ledger_alone() {
    let desk = Desk::new();
    let first = Answer::of(&mut at_home(&desk, &["demo", "--output", "json"]))
        .expect(0)
        .json();
    let second = Answer::of(&mut at_home(&desk, &["demo", "--output", "json"]))
        .expect(0)
        .json();
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
    let shown = Answer::of(&mut at_home(
        &desk,
        &["--schema", "dot_demo", "runs", "show", "last"],
    ))
    .expect(0);
    assert!(
        shown.output.contains("proof only, not verified"),
        "{}",
        shown.output
    );
    let own = Answer::of(&mut at_home(&desk, &["runs", "ls", "--output", "json"])).expect(0);
    assert_eq!(own.json(), serde_json::json!([]));
    assert!(
        own.messages.contains("installed the contract"),
        "{}",
        own.messages
    );
    let again = Answer::of(&mut at_home(&desk, &["runs", "ls", "--output", "json"])).expect(0);
    assert!(
        !again.messages.contains("installed the contract"),
        "{}",
        again.messages
    );
}

#[test]
fn variables_for_another_server_do_not_lead_the_embedded_one_astray() {
    let desk = Desk::new();
    let mut command = at_home(&desk, &["tools", "import", "--sample"]);
    command
        .env("PGPORT", "1")
        .env("PGHOST", "/nowhere")
        .env("PGHOSTADDR", "192.0.2.1")
        .env("PGOPTIONS", "-c nonsense=1");
    command
        .env("PGUSER", "somebody")
        .env("PGDATABASE", "elsewhere")
        .env("PGSSLMODE", "verify-full");
    Answer::of(&mut command).expect(0);
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
