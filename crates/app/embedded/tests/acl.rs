//! Access control lists on the cluster's files are removed, and exposed passwords are replaced.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

mod support;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{ACCESS, INHERITED, Place, admit, has_list, i_am_root, wait_until};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn noted(place: &Place) -> String {
    fs::read_to_string(place.folder().join("mended.log")).unwrap_or_default()
}

fn passwords(place: &Place) -> String {
    fs::read_to_string(place.passwords()).unwrap()
}

/// A cluster with a row, whose server has stopped.
fn stopped() -> Place {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    user.end();
    place.wait_until_stopped();
    place
}

#[test]
fn keeper_removes_lists_and_replaces_passwords_of_a_running_server() {
    let place = Place::new();
    let mut user = place.start();
    user.insert(1);
    let socket = place.folder().join("socket");
    let at_socket = socket.join(".s.PGSQL.5432");
    for (path, name) in [
        (place.folder().to_owned(), INHERITED),
        (place.folder().to_owned(), ACCESS),
        (place.passwords(), ACCESS),
        (socket.clone(), INHERITED),
        (at_socket, ACCESS),
    ] {
        let before = passwords(&place);
        let notes = noted(&place).lines().count();
        if !admit(&path, name, 7) {
            return;
        }
        wait_until("the list is removed", || !has_list(&path, name));
        wait_until("it is noted", || {
            let noted = noted(&place);
            let mut new = noted.lines().skip(notes);
            new.any(|line| {
                line.contains(&format!("{}: ", path.display()))
                    && line.contains("access control list")
            })
        });
        if !path.starts_with(&socket) {
            wait_until("new passwords are set", || passwords(&place) != before);
        }
    }
    assert_eq!(mode(&place.passwords()), 0o600);
    assert_eq!(mode(&socket), 0o700);
    assert_eq!(
        mode(place.folder()),
        if i_am_root() { 0o711 } else { 0o700 }
    );
    // Sessions stay, and new ones are opened with the new passwords.
    user.insert(2);
    let mut next = place.start();
    assert_eq!(next.count(), 2);
    next.end();
    user.end();
}

#[test]
fn lists_that_were_there_while_no_server_ran_are_removed_when_it_starts() {
    for (name, is_home) in [(INHERITED, true), (ACCESS, true), (ACCESS, false)] {
        let place = stopped();
        let before = passwords(&place);
        let path = match is_home {
            true => place.folder().to_owned(),
            false => place.passwords(),
        };
        // Removed, whatever the mode limits it to.
        if !admit(&path, name, 4) {
            return;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(has_list(&path, name));
        let mut next = place.start();
        assert!(!has_list(&path, name));
        assert_ne!(passwords(&place), before);
        assert_eq!(next.count(), 1);
        let noted = noted(&place);
        assert!(noted.contains("access control list"), "{noted}");
        next.end();
    }
}

/// The group keeps what it had, and does not get the limit of the list's entries.
#[test]
fn list_in_the_data_is_removed_with_the_permissions_that_it_gave() {
    let place = stopped();
    let before = passwords(&place);
    let folder = place.data().join("global");
    let file = place.data().join("PG_VERSION");
    if !admit(&folder, ACCESS, 7) || !admit(&folder, INHERITED, 7) || !admit(&file, ACCESS, 4) {
        return;
    }
    assert_eq!(mode(&folder), 0o770);
    place.start().end();
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o700));
    assert!(!has_list(&folder, ACCESS) && !has_list(&folder, INHERITED));
    assert!(!has_list(&file, ACCESS));
    let noted = noted(&place);
    let line = format!(
        "{}: mode 770 mended to 700, access control list removed",
        folder.canonicalize().unwrap().display()
    );
    assert!(noted.contains(&line), "{noted}");
    // Only the home's own lists and those of the passwords let others at the passwords.
    assert_eq!(passwords(&place), before);
}

#[test]
fn home_that_inherits_a_list_is_made_without_one() {
    let place = Place::new();
    let above = place.folder().parent().unwrap();
    if !admit(above, INHERITED, 7) {
        return;
    }
    let mut user = place.start();
    user.insert(1);
    for path in [place.folder().to_owned(), place.passwords(), place.data()] {
        assert!(!has_list(&path, ACCESS), "{}", path.display());
    }
    assert!(!has_list(place.folder(), INHERITED));
    assert_eq!(noted(&place), "");
    user.end();
}
