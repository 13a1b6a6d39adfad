//! The embedded database looked at, stopped, dumped and moved.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use dotwrap_testkit::{TestDatabase, Version};
use nix::sys::signal::Signal;

use crate::executing::site::signal;
use crate::home::Home;
use crate::json_reference::assert_documented;
use crate::support::{Answer, wait};

/// A worker that waits for requests: it uses the database until it is ended.
fn waiting_worker(home: &Home) -> Child {
    let mut worker = home.command(&["worker"]);
    let mut child = worker.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("waits for requests")));
    std::thread::spawn(move || said.for_each(drop));
    child
}

fn ended(mut worker: Child) {
    signal(&worker, Signal::SIGTERM);
    worker.wait().unwrap();
}

#[test]
fn a_used_server_is_stopped_only_by_force() {
    let home = Home::new();
    let status = |home: &Home| {
        let words = ["embedded", "status", "--output", "json"];
        home.call(&words).expect(0).json()
    };
    assert_eq!(status(&home)["state"], "missing");
    assert!(!home.folder().exists());
    home.call(&["embedded", "stop"]).expect(0);
    let nothing = home
        .call(&["embedded", "dump", "ledger"])
        .expect(2)
        .messages;
    assert!(
        nothing.contains("there is no embedded database"),
        "{nothing}"
    );
    let worker = waiting_worker(&home);
    let used = status(&home);
    assert_eq!(used["state"], "running");
    assert_eq!(used["users"][0]["pid"], worker.id());
    let command = used["users"][0]["command"].as_str().unwrap();
    assert!(command.ends_with("dotwrap worker"), "{command}");
    let shown = home.call(&["embedded", "status"]).expect(0).output;
    assert!(
        shown.starts_with("RUNNING") && shown.contains(command),
        "{shown}"
    );
    let refused = home.call(&["embedded", "stop"]).expect(4).messages;
    for part in ["in_use", command, "--force"] {
        assert!(refused.contains(part), "{part} is not in {refused}");
    }
    home.call(&["embedded", "stop", "--force"]).expect(0);
    assert_eq!(status(&home)["state"], "stopped");
    ended(worker);
    home.call(&["gates"]).expect(0);
    assert_eq!(status(&home)["state"], "running");
    home.call(&["embedded", "stop"]).expect(0);
    assert_eq!(status(&home)["state"], "stopped");
}

/// An embedded database with a recorded run, whose roles are those of the target's server.
fn recorded(target: &TestDatabase) -> Home {
    let home = Home::new();
    call(&home, target, &["tools", "import", "--sample"]).expect(0);
    let run = ["run", "DOT_SHA256SUM", "--mode", "simulate", "--key", "k"];
    call(&home, target, &run).expect(0);
    let close = ["gates", "close", "execute_enabled", "--reason", "a test"];
    call(&home, target, &close).expect(0);
    home
}

fn call(home: &Home, target: &TestDatabase, words: &[&str]) -> Answer {
    let mut command = home.command(words);
    Answer::of(command.env("DOTWRAP_ROLE_PREFIX", target.role_prefix()))
}

fn in_target(home: &Home, target: &TestDatabase, words: &[&str]) -> Answer {
    let mut command = home.command(words);
    Answer::of(command.env("DATABASE_URL", target.url_as(target.owner())))
}

fn a_ledger_moves_to(version: Version) {
    let target = wait(TestDatabase::empty(version));
    let home = recorded(&target);
    let here = call(&home, &target, &["runs", "ls", "--output", "json"]);
    let worker = waiting_worker(&home);
    let to = target.url_as(target.owner());
    let words = ["embedded", "move", "--to", &to, "--output", "json"];
    let refused = call(&home, &target, &words).expect(4).failure();
    assert_eq!(refused["code"], "in_use");
    ended(worker);
    let moved = call(&home, &target, &words).expect(0);
    assert!(
        moved.messages.contains("database_url = "),
        "{}",
        moved.messages
    );
    assert_documented("embedded move", &moved.json());
    assert_eq!(moved.json()["runs"], 1);
    let there = in_target(&home, &target, &["runs", "ls", "--output", "json"]);
    let runs = |answer: Answer| {
        let mut runs = answer.expect(0).json();
        // By now.
        runs[0].as_object_mut().unwrap().remove("age");
        runs
    };
    assert_eq!(runs(there), runs(here));
    in_target(&home, &target, &["verify"]).expect(0);
    let found = in_target(&home, &target, &["doctor", "--output", "json"]);
    for finding in found.expect(0).json()["findings"].as_array().unwrap() {
        let of_ledger = ["contract", "objects", "cluster", "roles"];
        if of_ledger.contains(&finding["name"].as_str().unwrap()) {
            assert_eq!(finding["severity"], "fine", "{finding}");
        }
    }
    // The ledger goes on there. A key of before is known, and belongs to the login that used it.
    let run = ["run", "DOT_SHA256SUM", "--mode", "simulate", "--key", "k"];
    let again = in_target(&home, &target, &[&run[..], &["--output", "json"]].concat());
    assert_eq!(again.expect(5).failure()["code"], "idempotency_conflict");
    // Not here any more.
    let refused = call(&home, &target, &["runs", "ls"]).expect(2).messages;
    for part in ["ledger_moved", "DATABASE_URL", "moved.json"] {
        assert!(refused.contains(part), "{part} is not in {refused}");
    }
    let status = ["embedded", "status", "--output", "json"];
    let status = call(&home, &target, &status).expect(0).json();
    let to = status["moved"]["to"].as_str().unwrap();
    assert!(to.starts_with("postgresql://"), "{to}");
    std::fs::remove_file(home.folder().join("embedded/moved.json")).unwrap();
    call(&home, &target, &["runs", "ls"]).expect(0);
    // A ledger is not overwritten.
    let refused = call(&home, &target, &words).expect(2).failure();
    assert_eq!(refused["code"], "target_not_empty");
}

#[test]
fn a_ledger_moves_to_a_database_of_the_same_version() {
    a_ledger_moves_to(Version::V15);
}

#[test]
fn a_ledger_moves_to_a_newer_server() {
    a_ledger_moves_to(Version::V18);
}

#[test]
fn a_move_that_fails_leaves_both_databases_as_they_were() {
    let target = wait(TestDatabase::empty(Version::V15));
    let home = recorded(&target);
    wait(async {
        let superuser = target.superuser().await;
        // The event trigger breaks the restore, and not the installation.
        let trigger = "CREATE FUNCTION public.broken() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
              IF current_setting('application_name') = 'pg_restore' THEN RAISE EXCEPTION 'no space for this'; END IF; END $$;
            CREATE EVENT TRIGGER broken ON ddl_command_end EXECUTE FUNCTION public.broken()";
        superuser.batch_execute(trigger).await.unwrap();
    });
    let to = target.url_as(target.owner());
    let words = ["embedded", "move", "--to", &to, "--output", "json"];
    let messages = call(&home, &target, &words).expect(70).messages;
    let failed = messages.lines().last().unwrap();
    let failed: serde_json::Value = serde_json::from_str(failed).unwrap();
    assert_eq!(failed["code"], "restore_failed");
    let message = failed["message"].as_str().unwrap();
    assert!(message.contains("no space for this"), "{message}");
    call(&home, &target, &["runs", "ls"]).expect(0);
    let schemas = wait(async {
        let superuser = target.superuser().await;
        let query = "SELECT count(*) FROM pg_namespace WHERE nspname = 'dot'";
        superuser
            .query_one(query, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
    });
    assert_eq!(schemas, 0);
}

#[test]
fn a_dump_of_the_ledger_is_a_new_file() {
    let target = wait(TestDatabase::empty(Version::V15));
    let home = recorded(&target);
    let words = [
        "embedded",
        "dump",
        "ledger.sql",
        "--sql",
        "--output",
        "json",
    ];
    let dumped = call(&home, &target, &words).expect(0).json();
    assert_documented("embedded dump", &dumped);
    let file = home.desk.folder().join("ledger.sql");
    assert_eq!(dumped["file"], file.to_str().unwrap());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("COPY dot.process_run_observation"));
    let refused = call(&home, &target, &words).expect(2).failure();
    assert_eq!(refused["code"], "file_unusable");
}

/// Every account can read a command line.
#[test]
fn a_password_of_the_target_is_taken_from_the_command_line() {
    let home = Home::new();
    let to = "postgresql://me:hunter2@127.0.0.1:1/d";
    let refused = home.call(&["embedded", "move", "--to", to]).expect(2);
    let messages = refused.messages;
    assert!(messages.contains("DOTWRAP_MOVE_TO"), "{messages}");
    assert!(
        messages.contains("there is no embedded database"),
        "{messages}"
    );
    assert!(!messages.contains("hunter2"), "{messages}");
}
