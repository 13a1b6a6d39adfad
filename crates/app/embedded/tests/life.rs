//! Looking at a cluster, stopping it, and taking data out of it, whoever uses it.

#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use dotwrap_embedded::{DumpFormat, Embedded, Error, StopOutcome};
use dotwrap_testkit::{Version, postgres_folder};
use support::{Place, wait_until};

fn embedded(place: &Place) -> Embedded {
    Embedded::in_folder(place.folder()).with_binaries(postgres_folder(Version::V15))
}

#[tokio::test]
async fn the_status_of_a_missing_cluster_makes_none() {
    let place = Place::new();
    let status = embedded(&place).status().unwrap();
    assert!(!status.exists && !status.is_running);
    assert_eq!(status.bytes, 0);
    let stopped = embedded(&place).stop(false).await.unwrap();
    assert_eq!(stopped, StopOutcome::NoCluster);
    assert!(!place.folder().exists());
}

#[tokio::test]
async fn a_used_server_is_named_with_its_users_and_stopped_by_force_only() {
    let place = Place::new();
    let probe = place.start();
    let status = embedded(&place).status().unwrap();
    assert!(status.exists && status.is_running && status.bytes > 1 << 20);
    assert_eq!(status.pid, Some(place.server()));
    assert_eq!(status.major, Some(15));
    assert_eq!(status.version.unwrap().major, 15);
    assert!(status.socket.join(".s.PGSQL.5432").exists());
    let users = status.users.unwrap();
    assert_eq!(users.len(), 1);
    assert!(users[0].command[0].ends_with("embedded-probe"));
    let refused = embedded(&place).stop(false).await.unwrap_err();
    assert!(
        refused.to_string().contains(&users[0].pid.to_string()),
        "{refused}"
    );
    assert!(embedded(&place).status().unwrap().is_running);
    let stopped = embedded(&place).stop(true).await.unwrap();
    assert_eq!(stopped, StopOutcome::Stopped);
    assert!(!embedded(&place).status().unwrap().is_running);
    let again = embedded(&place).stop(true).await.unwrap();
    assert_eq!(again, StopOutcome::NotRunning);
    drop(probe);
}

#[tokio::test]
async fn an_unused_server_is_stopped_before_its_keeper_would() {
    let place = Place::new();
    support::Probe::start(place.lingering(600_000)).end();
    wait_until("nobody uses it", || {
        embedded(&place).status().unwrap().users == Some(Vec::new())
    });
    assert!(embedded(&place).status().unwrap().is_running);
    let stopped = embedded(&place).stop(false).await.unwrap();
    assert_eq!(stopped, StopOutcome::Stopped);
    // It is started again by the next use, with what it held.
    assert_eq!(place.start().origin, "Started");
}

#[tokio::test]
async fn a_dump_is_a_private_new_file_that_can_be_read_back() {
    let place = Place::new();
    let mut probe = place.start();
    probe.insert(7);
    let cluster = embedded(&place).start().await.unwrap();
    let file = place.folder().parent().unwrap().join("rows.sql");
    let bytes = cluster.dump("public", DumpFormat::Sql, &file).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.len() as u64, bytes);
    assert!(text.contains("COPY public."), "{text}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let refused = cluster.dump("public", DumpFormat::Sql, &file).unwrap_err();
    assert!(matches!(refused, Error::DumpNotWritten { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    let archive = file.with_extension("dump");
    cluster
        .dump("public", DumpFormat::Archive, &archive)
        .unwrap();
    let listed = Command::new(postgres_folder(Version::V15).join("pg_restore"))
        .arg("--list")
        .arg(&archive)
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("TABLE DATA public"), "{listed}");
    // What fails leaves no file.
    let broken = file.with_extension("broken");
    let failed = cluster.dump("no such schema", DumpFormat::Sql, &broken);
    assert!(
        failed
            .unwrap_err()
            .to_string()
            .contains("no matching schemas")
    );
    assert!(!broken.exists());
    probe.end();
}

#[tokio::test]
async fn a_note_of_a_move_is_read_back_and_sole_use_is_refused_beside_others() {
    let place = Place::new();
    let probe = place.start();
    let cluster = embedded(&place).start().await.unwrap();
    assert!(matches!(
        cluster.require_sole_use(),
        Err(Error::InUse { users }) if users.len() == 1
    ));
    probe.end();
    drop(cluster);
    let cluster = embedded(&place).start().await.unwrap();
    cluster.require_sole_use().unwrap();
    assert_eq!(embedded(&place).moved(), None);
    let moved = cluster.note_moved("postgresql://me@h/d").unwrap();
    assert_eq!(embedded(&place).moved(), Some(moved));
}
