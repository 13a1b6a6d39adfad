//! Several users of one cluster, and who stops its server when.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs;
use std::path::Path;

use support::{Place, Probe, i_am_root, owner_of_process};

#[test]
fn two_that_come_at_once_share_one_cluster_and_the_first_may_end_first() {
    let place = Place::new();
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| place.start());
        let other = scope.spawn(|| place.start());
        (one.join().unwrap(), other.join().unwrap())
    });
    let mut origins = [one.origin.clone(), other.origin.clone()];
    origins.sort();
    assert_eq!(origins, ["Attached", "Created"]);
    let (mut first, mut second) = if one.origin == "Created" {
        (one, other)
    } else {
        (other, one)
    };
    first.insert(1);
    let server = place.server();
    first.end();
    // Longer than the server stays up without users.
    std::thread::sleep(std::time::Duration::from_secs(1));
    second.insert(2);
    assert_eq!(second.count(), 2);
    assert_eq!(place.server(), server);
    second.end();
    place.wait_until_stopped();
}

#[test]
fn second_user_reuses_running_server() {
    let place = Place::new();
    let first = Probe::start(place.lingering(5_000));
    let server = place.server();
    first.end();
    let second = place.start();
    assert_eq!(second.origin, "Attached");
    assert_eq!(place.server(), server);
    second.end();
}

#[test]
fn as_root_the_server_runs_as_another_account_and_else_as_mine() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    let (server, me) = (
        owner_of_process(place.server()),
        nix::unistd::Uid::effective().as_raw(),
    );
    if i_am_root() {
        assert_ne!(server, 0);
    } else {
        assert_eq!(server, me);
    }
    assert_eq!(owner_of_process(place.keeper()), me);
    user.end();
}

#[tokio::test]
async fn the_product_connects_as_a_plain_owner_to_a_durable_private_server() {
    let place = Place::new();
    let user = place.start();
    // PGPORT has nothing to fill.
    let (url, passwords) = user.url.split_once("&passfile=").unwrap();
    assert!(url.ends_with("&port=5432"), "{url}");
    assert_eq!(Path::new(passwords), place.passwords());
    let mut config: tokio_postgres::Config = url.parse().unwrap();
    let passwords = fs::read_to_string(passwords).unwrap();
    let (_, password) = passwords.lines().next().unwrap().rsplit_once(':').unwrap();
    config.password(password);
    let client = dotwrap_testkit::connect(&config).await;
    let settings = "SELECT rolsuper::text, rolcreaterole::text, current_setting('fsync'), \
                    current_setting('full_page_writes'), current_setting('synchronous_commit'), \
                    current_setting('server_encoding'), current_setting('listen_addresses'), \
                    (SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()) \
                    FROM pg_roles WHERE rolname = current_user";
    let row = client.query_one(settings, &[]).await.unwrap();
    let found: Vec<String> = (0..row.len()).map(|column| row.get(column)).collect();
    assert_eq!(
        found,
        ["false", "true", "on", "on", "on", "UTF8", "", "dotwrap"]
    );
    drop(client);
    user.end();
}
