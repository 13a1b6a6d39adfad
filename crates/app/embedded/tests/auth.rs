//! Access: only users who can read the password file.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Place, Probe, failure};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

const ACCOUNTS: [&str; 2] = ["dotwrap", "postgres"];

/// What libpq would find for an account in the password file.
fn password(file: &Path, account: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let begin = format!("*:*:*:{account}:");
    let mut found = text.lines().filter_map(|line| line.strip_prefix(&begin));
    found.next().unwrap().to_owned()
}

/// Why an account does not come in with a password; none where it does.
async fn refusal(place: &Place, account: &str, password: &str) -> Option<SqlState> {
    let mut config = Config::new();
    config
        .host_path(place.folder().join("socket"))
        .port(5432)
        .user(account)
        .password(password)
        .dbname("dotwrap");
    match config.connect(NoTls).await {
        Ok(_) => None,
        Err(error) => Some(error.code().unwrap().clone()),
    }
}

/// As an older version made it.
fn open_the_door(place: &Place) {
    let rules = b"# caf\xe9\nlocal all all trust\nlocal all reporter peer\n";
    fs::write(place.data().join("pg_hba.conf"), rules).unwrap();
    fs::remove_file(place.passwords()).unwrap();
}

/// The same of a server that runs.
async fn open_the_running_door(place: &Place) {
    open_the_door(place);
    kill(Pid::from_raw(place.server()), Signal::SIGHUP).unwrap();
    while refusal(place, "dotwrap", "no").await.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A cluster with a row in it, and no server.
fn with_a_row() -> Place {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    user.end();
    place.wait_until_stopped();
    place
}

#[tokio::test]
async fn each_account_has_a_password_in_a_file_that_others_can_not_read() {
    let place = Place::new();
    let user = place.start();
    let found = place.passwords().metadata().unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(found.uid(), place.folder().metadata().unwrap().uid());
    for account in ACCOUNTS {
        let password = password(&place.passwords(), account);
        assert_eq!(refusal(&place, account, &password).await, None);
        let wrong = refusal(&place, account, "no").await;
        assert_eq!(wrong, Some(SqlState::INVALID_PASSWORD));
        for file in ["server.log", "building.log"] {
            let log = fs::read_to_string(place.folder().join(file)).unwrap();
            assert!(!log.contains(&password) && !log.contains("SCRAM-SHA-256$"));
        }
    }
    user.end();
}

#[tokio::test]
async fn cluster_of_an_older_version_gets_passwords_and_keeps_its_data() {
    let place = with_a_row();
    let before = password(&place.passwords(), "postgres");
    open_the_door(&place);
    let mut next = place.start();
    assert_eq!(next.count(), 1);
    let old = refusal(&place, "postgres", &before).await;
    assert_eq!(old, Some(SqlState::INVALID_PASSWORD));
    next.end();
    let rules = fs::read(place.data().join("pg_hba.conf")).unwrap();
    assert!(
        rules.ends_with(b"local all reporter peer\n"),
        "its own lines stay"
    );
}

#[tokio::test]
async fn unused_running_server_of_an_older_version_gets_passwords_at_once() {
    let place = Place::new();
    let user = Probe::start(place.lingering(60_000));
    open_the_running_door(&place).await;
    user.end();
    let next = place.start();
    assert_eq!(next.origin, "Started");
    let wrong = refusal(&place, "postgres", "no").await;
    assert_eq!(wrong, Some(SqlState::INVALID_PASSWORD));
    next.end();
}

#[tokio::test]
async fn files_of_a_killed_server_do_not_prevent_a_start() {
    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    open_the_door(&place);
    // Another process has its process id now.
    let left = format!(
        "{}\n{}\n1\n5432\n\n\n",
        std::process::id(),
        place.data().display()
    );
    fs::write(place.data().join("postmaster.pid"), left).unwrap();
    place.start().end();
    assert!(place.passwords().exists());
}

#[tokio::test]
async fn passwords_of_other_data_are_replaced() {
    let place = with_a_row();
    let other = "*:*:*:dotwrap:no\n*:*:*:postgres:no\n";
    fs::write(place.passwords(), other).unwrap();
    let mut next = place.start();
    assert_eq!(next.count(), 1);
    next.end();
}

#[tokio::test]
async fn password_file_lost_during_use_is_reported_at_once() {
    let place = Place::new();
    let user = place.start();
    fs::remove_file(place.passwords()).unwrap();
    let said = failure(&mut place.command());
    assert!(said.contains("is not there, and other"), "{said}");
    assert!(said.contains("put the file back, or end them"), "{said}");
    assert!(said.contains(place.passwords().to_str().unwrap()), "{said}");
    user.end();
    place.start().end();
}

#[tokio::test]
async fn a_running_server_of_an_older_version_is_joined_as_it_is() {
    let place = Place::new();
    let user = place.start();
    open_the_running_door(&place).await;
    let next = place.start();
    assert_eq!(next.origin, "Attached");
    assert!(!place.passwords().exists());
    next.end();
    user.end();
}

#[tokio::test]
async fn a_lost_password_file_is_made_anew() {
    let place = with_a_row();
    fs::remove_file(place.passwords()).unwrap();
    let mut next = place.start();
    assert_eq!(next.count(), 1);
    // Of a server that still runs, unused.
    let lost = password(&place.passwords(), "dotwrap");
    fs::remove_file(place.passwords()).unwrap();
    next.end();
    let mut last = place.start();
    assert_eq!(last.count(), 1);
    assert_ne!(password(&place.passwords(), "dotwrap"), lost);
    last.end();
}

#[tokio::test]
async fn custom_hba_rules_are_kept() {
    let place = Place::new();
    place.start().end();
    place.wait_until_stopped();
    let rules = place.data().join("pg_hba.conf");
    let mine = fs::read_to_string(&rules).unwrap() + "local all reader peer\n";
    fs::write(&rules, &mine).unwrap();
    place.start().end();
    assert_eq!(fs::read_to_string(&rules).unwrap(), mine);
}
