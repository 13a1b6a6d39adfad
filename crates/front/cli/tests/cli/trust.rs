//! A `dotwrap.toml` that lies in the working folder, or above it, may be a stranger's.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Answer, Desk, Installation};

/// What a project's file says is refused; the same is taken from a file of the user's, and from one that is named.
#[test]
fn a_projects_file_says_nothing_about_programs_ledgers_and_places() {
    let lines = [
        ("database_url", "'postgresql:///a?host=/nowhere'"),
        ("home", "'h'"),
        ("pg_bin", "'/tmp/evil'"),
        ("runs_folder", "'runs'"),
        ("agent_hosts", "['evil.example']"),
        ("agent_ca", "'evil.pem'"),
    ];
    for (key, value) in lines {
        let desk = Desk::new();
        desk.file("dotwrap.toml", &format!("{key} = {value}\n"));
        desk.file("below/nothing", "");
        for folder in ["", "below"] {
            let mut command = desk.command(&["status", "--output", "json"]);
            command.current_dir(desk.folder().join(folder));
            let failure = Answer::of(&mut command).expect(2).failure();
            let message = failure["message"].as_str().unwrap();
            assert!(message.contains(key), "{failure}");
            let hint = failure["hint"].as_str().unwrap();
            assert!(hint.contains("DOTWRAP_CONFIG"), "{failure}");
        }
    }
}

#[test]
fn a_home_of_a_projects_file_starts_no_program() {
    let desk = Desk::new();
    // As root, the server's account would have to pass.
    std::fs::set_permissions(desk.folder(), PermissionsExt::from_mode(0o711)).unwrap();
    desk.file("dotwrap.toml", "home = 'h'\n");
    let called = desk.folder().join("called");
    let script = format!(
        "#!/bin/sh\necho \"$*\" >> '{}'\necho 'postgres (PostgreSQL) 99.1'\n",
        called.display()
    );
    for program in ["postgres", "initdb"] {
        let path = desk.file(&format!("h/embedded/binaries/99/bin/{program}"), &script);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    Answer::of(&mut desk.command(&["status"])).expect(2);
    assert!(!called.exists());
}

#[test]
fn an_address_of_a_projects_file_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let desk = Desk::new();
    let line = format!(
        "database_url = 'postgresql://me@127.0.0.1:{port}/x?sslmode=disable&connect_timeout=1'\n"
    );
    desk.file("dotwrap.toml", &line);
    let mut command = desk.command(&["status"]);
    let answer = Answer::of(command.env("PGPASSWORD", "hunter2")).expect(2);
    assert!(!answer.messages.contains("hunter2"), "{}", answer.messages);
    assert_eq!(
        listener.accept().unwrap_err().kind(),
        ErrorKind::WouldBlock,
        "nobody connected"
    );
    // Named, the same file is the user's own word.
    for named in [Some("--config=dotwrap.toml"), None] {
        let words: Vec<&str> = ["status"].into_iter().chain(named).collect();
        let mut command = desk.command(&words);
        if named.is_none() {
            command.env("DOTWRAP_CONFIG", "dotwrap.toml");
        }
        Answer::of(&mut command).expect(69);
        listener.accept().unwrap();
    }
}

/// Otherwise an empty file would exchange the user's ledger for an empty one.
#[test]
fn a_projects_file_lies_over_the_users_own_and_not_in_its_place() {
    let installation = Installation::as_shipped();
    let desk = &installation.desk;
    let url = installation.database.url_as(installation.database.owner());
    let own = format!("database_url = \"{url}\"\nactor = 'of_the_user'\nschema = 'dot'\n");
    desk.file(".config/dotwrap/dotwrap.toml", &own);
    desk.file("dotwrap.toml", "");
    Answer::of(&mut desk.command(&["status"])).expect(0);
    desk.file("dotwrap.toml", "schema = 'of_the_project'\n");
    let answer = Answer::of(&mut desk.command(&["status"])).expect(70);
    assert!(
        answer.messages.contains("of_the_project"),
        "{}",
        answer.messages
    );
    // What cannot be read may ask for more than what is built in.
    desk.file(".config/dotwrap/dotwrap.toml", "require_sandbox = maybe\n");
    Answer::of(&mut desk.command(&["status"])).expect(2);
}

#[test]
fn the_users_own_file_is_the_users_own_in_its_folder_too() {
    let desk = Desk::new();
    let own = "database_url = 'postgresql:///a?host=/nowhere'\n";
    desk.file(".config/dotwrap/dotwrap.toml", own);
    let mut command = desk.command(&["status"]);
    command.current_dir(desk.folder().join(".config/dotwrap"));
    Answer::of(&mut command).expect(69);
}
