//! Settings in layers: flag, environment, file, built in.

use crate::support::{Answer, Desk, Installation};

/// Which schema a call looks in, told by its complaint that there is no contract.
fn schema_in_use(installation: &Installation, words: &[&str], environment: Option<&str>) -> String {
    let mut command = installation
        .desk
        .command(&[words, &["status", "--output", "json"]].concat());
    command.env(
        "DATABASE_URL",
        installation.database.url_as(installation.database.owner()),
    );
    if let Some(schema) = environment {
        command.env("DOTWRAP_SCHEMA", schema);
    }
    let failure = Answer::of(&mut command).expect(70).failure();
    let message = failure["message"].as_str().unwrap();
    message.split('"').nth(1).unwrap().to_owned()
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let installation = Installation::empty();
    assert_eq!(schema_in_use(&installation, &[], None), "dot");
    installation
        .desk
        .file("dotwrap.toml", "schema = 'of_the_file'");
    assert_eq!(schema_in_use(&installation, &[], None), "of_the_file");
    assert_eq!(
        schema_in_use(&installation, &[], Some("of_the_environment")),
        "of_the_environment"
    );
    assert_eq!(
        schema_in_use(
            &installation,
            &["--schema", "of_the_flag"],
            Some("of_the_environment")
        ),
        "of_the_flag"
    );
}

#[test]
fn a_variable_that_is_set_but_blank_counts_as_not_set() {
    let installation = Installation::empty();
    assert_eq!(schema_in_use(&installation, &[], Some("")), "dot");
}

#[test]
fn the_file_is_searched_upwards_and_then_in_the_users_folder() {
    let installation = Installation::empty();
    installation
        .desk
        .file(".config/dotwrap/dotwrap.toml", "schema = 'of_the_user'");
    assert_eq!(schema_in_use(&installation, &[], None), "of_the_user");
    installation
        .desk
        .file("dotwrap.toml", "schema = 'of_the_project'");
    installation.desk.file("a/b/nothing", "");
    let mut command = installation.desk.command(&["status", "--output", "json"]);
    command.current_dir(installation.desk.folder().join("a/b"));
    command.env(
        "DATABASE_URL",
        installation.database.url_as(installation.database.owner()),
    );
    let failure = Answer::of(&mut command).expect(70).failure();
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .contains("of_the_project"),
        "{failure}"
    );
}

#[test]
fn dotwrap_database_url_wins_over_database_url() {
    let desk = Desk::new();
    let mut command = desk.command(&["status"]);
    command
        .env("DATABASE_URL", "postgresql:///a?host=/plain")
        .env("DOTWRAP_DATABASE_URL", "postgresql:///a?host=/special");
    let answer = Answer::of(&mut command).expect(69);
    assert!(answer.messages.contains("special"), "{}", answer.messages);
}

#[test]
fn an_unknown_key_is_refused_by_name_with_the_known_ones() {
    let desk = Desk::new();
    desk.file("dotwrap.toml", "actor = 'me'\nschemma = 'x'\n");
    let answer = Answer::of(&mut desk.command(&["status"])).expect(2);
    for part in ["dotwrap.toml:2", "schemma", "database_url"] {
        assert!(
            answer.messages.replace("\n  │ ", " ").contains(part),
            "{part}: {}",
            answer.messages
        );
    }
}

#[test]
fn a_broken_file_does_not_show_the_password_in_it() {
    let desk = Desk::new();
    desk.file(
        "dotwrap.toml",
        "database_url = 'postgresql://me:hunter2@h/d\n",
    );
    let answer = Answer::of(&mut desk.command(&["status"])).expect(2);
    assert!(!answer.messages.contains("hunter2"), "{}", answer.messages);
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    Answer::of(&mut Desk::new().command(&["status", "--config", "nowhere.toml"])).expect(2);
}

#[test]
fn a_word_that_a_variable_may_not_have_is_refused_with_the_words_it_may() {
    let mut command = Desk::new().command(&["status"]);
    let answer = Answer::of(command.current_dir("/").env("DOTWRAP_OUTPUT", "xml")).expect(2);
    assert!(
        answer.messages.contains("DOTWRAP_OUTPUT") && answer.messages.contains("jsonl"),
        "{}",
        answer.messages
    );
}

/// Every account of the machine can read with which words a program was started.
#[test]
fn a_password_on_the_command_line_does_not_stay_there() {
    // It takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url =
        format!("postgresql://me:hunter2@127.0.0.1:{port}/d?sslmode=disable&connect_timeout=60");
    let desk = Desk::new();
    let mut child = desk
        .command(&["gates", "ls", "--database-url", &url])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let connection = silent.accept().unwrap();
    let words = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    child.kill().unwrap();
    let said = child.wait_with_output().unwrap();
    drop(connection);
    let words = String::from_utf8(words).unwrap();
    assert!(words.ends_with("gates\0ls\0"), "{words}");
    let said = String::from_utf8(said.stderr).unwrap();
    assert_eq!(said.matches("holds a password").count(), 1, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn an_address_without_a_password_is_not_warned_of() {
    let desk = Desk::new();
    let warns = |url: &str| {
        let answer = Answer::of(&mut desk.command(&["gates", "--database-url", url]));
        let said = answer.expect(2).messages;
        assert!(said.contains("not usable"), "{url}: {said}");
        assert!(!said.contains("hunter2"), "{url}: {said}");
        said.contains("holds a password")
    };
    for url in ["x", "mysql://x", "mysql://h:3306/x", "file:///srv/ledger"] {
        assert!(!warns(url), "{url}");
    }
    for url in ["mysql://me:hunter2@h/x", "postgresql://me:hunter2/@h/d"] {
        assert!(warns(url), "{url}");
    }
}

#[test]
fn a_home_in_a_folder_that_is_gone_says_so() {
    let desk = Desk::new();
    let gone = desk.folder().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let script = format!(
        "rmdir {} && exec {} gates --output json",
        gone.display(),
        env!("CARGO_BIN_EXE_dotwrap")
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(&gone).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    let answer = Answer::of(command.env("DOTWRAP_HOME", "home")).expect(2);
    let failure = answer.failure();
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .contains("working folder"),
        "{failure}"
    );
}

#[test]
fn a_folder_for_runs_whose_path_is_no_text_is_refused_before_anything_is_called() {
    use std::os::unix::ffi::OsStrExt;

    let installation = Installation::with_catalogue();
    let words = [
        "run",
        "DOT_SHA256SUM",
        "--mode",
        "dry-run",
        "--input",
        "f",
        "--output",
        "json",
    ];
    let mut command = installation.command(&words);
    command.env("DOTWRAP_HOME", std::ffi::OsStr::from_bytes(b"/tmp/h\xff"));
    let failure = Answer::of(&mut command).expect(2).failure();
    assert_eq!(failure["code"], "folder_unusable");
    assert!(
        failure["hint"].as_str().unwrap().contains("--runs-folder"),
        "{failure}"
    );
    let runs = installation
        .call(&["runs", "ls", "--output", "json"])
        .expect(0);
    assert_eq!(runs.json(), serde_json::json!([]));
}
