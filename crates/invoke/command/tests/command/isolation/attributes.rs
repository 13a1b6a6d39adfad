//! File attributes outside the tool's folder, and set-id programs.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rstest::rstest;

use super::sandbox_dirs::{Account, SandboxDirs};

const CHANGES: [&str; 5] = [
    "chmod 777",
    "chown $(id -u):$(id -g)",
    "chmod a+x ../outside;:",
    "touch -d 2001-01-01",
    "perl -e 'open(F,\"<\",$ARGV[0]); exit !chmod(0777, *F)'",
];

#[rstest]
#[tokio::test]
async fn attributes_are_changed_inside_and_not_outside(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = SandboxDirs::new(account);
    let before = fs::metadata(place.path("outside/there")).unwrap();
    for change in CHANGES {
        let script = format!(
            "cd ../own; echo x >mine; {change} mine && echo inside; {change} ../outside/there 2>/dev/null || echo refused"
        );
        let (said, launch) = place.run(&script).await;
        assert_eq!(
            launch.sandbox.attributes.as_deref(),
            Some("enforced"),
            "{launch:?}"
        );
        assert!(!launch.sandbox.is_incomplete());
        // `:` succeeds.
        if !change.contains("outside") {
            assert_eq!(said, "inside\nrefused\n", "{change} {launch:?}");
        }
        let after = fs::metadata(place.path("outside/there")).unwrap();
        assert_eq!(
            (after.mode(), after.mtime()),
            (before.mode(), before.mtime()),
            "{change}"
        );
        assert_eq!(after.ctime_nsec(), before.ctime_nsec(), "{change}");
    }
    assert_eq!(
        fs::metadata(place.path("outside")).unwrap().mode() & 0o111,
        0o111
    );
}

#[tokio::test]
async fn without_namespaces_owner_and_permissions_can_not_be_changed_at_all() {
    let place = SandboxDirs::new(Account::Contained);
    for change in ["chmod 777", "chown $(id -u)", "chattr +d"] {
        let script =
            format!("echo x >mine; {change} mine ../outside/there 2>/dev/null || echo refused");
        let (said, launch) = place.run(&script).await;
        assert_eq!(said, "refused\n", "{change} {launch:?}");
        let sandbox = &launch.sandbox;
        assert_eq!(sandbox.attributes.as_deref(), Some("refused"));
        let refused = sandbox.refused.join(" ");
        assert!(refused.contains("owner, permissions"), "{refused}");
        let missing = sandbox.missing.join(" ");
        for what in ["times", "System V IPC", "sockets among"] {
            assert!(missing.contains(what), "{missing}");
        }
        assert!(!sandbox.is_incomplete());
    }
    assert_eq!(
        fs::metadata(place.path("outside/there")).unwrap().mode() & 0o777,
        0o644
    );
}

#[rstest]
#[tokio::test]
async fn honest_tools_that_change_attributes_work_in_their_folder(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = SandboxDirs::new(account);
    let tools = "mkdir a; echo x >a/b; tar -cf a.tar a; tar -xpf a.tar --one-top-level=c; git init -q d; cp -a a e; install -m 700 a/b f; ls -A c/a d/.git/config e f";
    let (said, _) = place.run(tools).await;
    assert_eq!(said, "d/.git/config\nf\n\nc/a:\nb\n\ne:\nb\n");
}

/// A set-id program of the runner's account would give its rights to every account.
#[rstest]
#[case::own(Account::Own)]
#[case::ordinary(Account::Ordinary)]
#[case::contained(Account::Contained)]
#[tokio::test]
async fn dry_run_makes_no_set_id_program(#[case] account: Account) {
    let place = SandboxDirs::new(account);
    for change in [
        "chmod 4755 made",
        "chmod 2755 made",
        "chmod u+s made",
        "install -m 4755 made other",
        "perl -e 'exit !chmod(04755, \"made\")'",
        "perl -MFcntl -e 'exit !sysopen(F, \"new\", O_CREAT | O_WRONLY, 04755)'",
    ] {
        let script = format!("cp /bin/cat made; {change} 2>/dev/null && echo done || echo refused");
        let (said, launch) = place.run(script.trim()).await;
        assert_eq!(said, "refused\n", "{account:?}: {change}: {launch:?}");
    }
}
