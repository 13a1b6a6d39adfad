//! Hidden sockets, folders and devices.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::stat;
use rstest::rstest;

use super::sandbox_dirs::{Account, SandboxDirs};

#[rstest]
#[tokio::test]
async fn hidden_socket_cannot_be_reached(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = SandboxDirs::new(account);
    let socket = place.path("outside/home/socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, PermissionsExt::from_mode(0o777)).unwrap();
    let connect = format!(
        "perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0); exit !connect(S,sockaddr_un($ARGV[0]))' {} && echo connected || echo refused; ls -A ../outside/home",
        socket.display()
    );
    let (said, launch) = place.run(&connect).await;
    assert_eq!(said, "refused\n", "{launch:?}");
    let missing = launch.sandbox.missing.join(" ");
    assert!(!missing.contains("sockets among"), "{missing}");
    let (said, _) = SandboxDirs::run(&SandboxDirs::new(Account::Contained), "true").await;
    assert_eq!(said, "");
}

/// A contract that opens a folder opens all paths below it, except the hidden ones.
#[rstest]
#[tokio::test]
async fn opened_parent_of_a_hidden_folder_keeps_it_hidden(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = SandboxDirs::new(account);
    fs::write(place.path("outside/home/passwords"), "hunter2").unwrap();
    let script = "cd ../outside; echo x >new && echo written; cat home/passwords; ls -A home; mv home away; umount home; \
                  cat home/passwords away/passwords; echo x >home/new; exit 0";
    let (said, launch) = place.run_writing(script, vec![place.path("outside")]).await;
    assert!(said.contains("written"), "{said}");
    assert!(!said.contains("hunter2"), "{said} {launch:?}");
    let home = place.path("outside/home");
    assert_eq!(launch.sandbox.unreadable, [home.display().to_string()]);
    assert!(!launch.sandbox.is_incomplete(), "{launch:?}");
    assert_eq!(home.read_dir().unwrap().count(), 1);
}

#[tokio::test]
async fn opened_parent_of_a_hidden_folder_is_reported_without_namespaces() {
    let place = SandboxDirs::new(Account::Contained);
    let (_, launch) = place.run_writing("true", vec![place.path("outside")]).await;
    assert!(launch.sandbox.is_incomplete(), "{launch:?}");
    let missing = launch.sandbox.missing.join(" ");
    assert!(
        missing.contains("the contract opens a folder above it"),
        "{missing}"
    );
}

/// A block device would give access to the hidden files on it.
#[tokio::test]
async fn devices_are_not_read_except_the_standard_ones() {
    let place = SandboxDirs::new(Account::Own);
    let device = place.path("outside/zero");
    let mode = stat::Mode::from_bits_truncate(0o666);
    if stat::mknod(&device, stat::SFlag::S_IFCHR, mode, stat::makedev(1, 5)).is_err() {
        return;
    }
    let script = "head -c 1 ../outside/zero 2>/dev/null || echo refused; head -c 1 /dev/zero | wc -c; head -c 1 /dev/urandom | wc -c; echo x >/dev/null";
    assert_eq!(place.run(script).await.0, "refused\n1\n1\n");
}
