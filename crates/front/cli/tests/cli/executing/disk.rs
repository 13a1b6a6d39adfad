//! Disks that are full.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::site::{Pair, Site};
use crate::support::{Answer, Desk};

/// Runs a script in a mount namespace of its own, in which `$FULL` is a file system of 1 MiB. None: this machine lets
/// nobody have one.
fn with_small_disk(site: &Site, script: &str) -> Option<Answer> {
    with_disk(
        &site.0.desk,
        &site.0.command(&[]),
        "size=1m,nr_inodes=64",
        script,
    )
}

/// As `with_small_disk`, with another size, and the environment of this command.
fn with_disk(desk: &Desk, of_program: &Command, size: &str, script: &str) -> Option<Answer> {
    let full = desk.folder().join("full");
    std::fs::create_dir_all(&full).unwrap();
    let mount_only = format!("mount -t tmpfs -o {size} none \"$FULL\"");
    let mount = format!("{mount_only} && exec sh -c \"$SCRIPT\"");
    let in_namespace = |words: &[&str], what: &str| {
        let mut command = Command::new("unshare");
        command.args(words).args(["sh", "-c", what]).env_clear();
        for (name, value) in of_program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .current_dir(desk.folder())
            .env("DOTWRAP", of_program.get_program())
            .env("FULL", &full)
            .env("SCRIPT", script);
        command
    };
    for words in [&["-m"][..], &["-Urm"]] {
        let tried = in_namespace(words, &mount_only).output();
        if tried.is_ok_and(|tried| tried.status.success()) {
            return Some(Answer::of(&mut in_namespace(words, &mount)));
        }
    }
    eprintln!("skipped: this machine lets nobody mount a file system in a namespace of its own");
    None
}

#[test]
fn doctor_names_a_full_disk() {
    let site = Site::closed(&Pair::default());
    let script = r#"DOTWRAP_RUNS_FOLDER="$FULL/runs" "$DOTWRAP" doctor"#;
    let Some(answer) = with_small_disk(&site, script) else {
        return;
    };
    let answer = answer.expect(1);
    let (place, told) = (site.path("full"), &answer.output);
    let named = format!("tmpfs at {} has 1.0 MiB free of 1.0 MiB", place.display());
    assert!(
        told.contains(&named) && told.contains("the runs' folder"),
        "{told}"
    );
}

#[test]
fn run_whose_tool_fills_the_disk_is_recorded_and_says_so() {
    let site = Site::with(&Pair::of_producer("head -c 9000000 /dev/zero > '{output}'"));
    let script = r#"exec "$DOTWRAP" run DOT_MAKE --candidate PROC-CAND:test --mode real-run \
        --runs-folder "$FULL" --output json"#;
    let Some(answer) = with_small_disk(&site, script) else {
        return;
    };
    let run = answer.expect(1).json();
    assert_eq!(run["error_ref"], "producer: exit_status");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(
        shown.contains("tmpfs at ") && shown.contains(" free of 1.0 MiB"),
        "{shown}"
    );
}

#[test]
fn runs_folder_on_a_full_disk_is_named() {
    let site = Site::with(&Pair::default());
    let script = r#"i=0; while (: > "$FULL/$i") 2> /dev/null; do i=$((i + 1)); done
        exec "$DOTWRAP" run DOT_MAKE --candidate PROC-CAND:test --mode real-run --input x --runs-folder "$FULL/runs""#;
    let Some(answer) = with_small_disk(&site, script) else {
        return;
    };
    let messages = answer.expect(69).messages;
    assert!(messages.contains("room for no more files"), "{messages}");
    assert!(messages.contains("dotwrap doctor"), "{messages}");
}

/// The disk of the embedded database fills before anything is recorded.
#[test]
fn full_disk_of_the_embedded_database_is_named() {
    let desk = Desk::new();
    std::fs::set_permissions(desk.folder(), PermissionsExt::from_mode(0o711)).unwrap();
    let script = r#"export DOTWRAP_HOME="$FULL"
        "$DOTWRAP" tools import --sample > import 2>&1 || exit 90
        dd if=/dev/zero of="$FULL/fill" bs=64k 2> dd
        "$DOTWRAP" requests add DOT_GZIP --input x --mode dry-run
        status=$?
        server=$(head -n 1 "$FULL/embedded/data/postmaster.pid")
        kill -KILL "$(ps -o ppid= -p "$server" | tr -d ' ')"
        kill -QUIT "$server"
        exit $status"#;
    let Some(answer) = with_disk(&desk, &desk.command(&[]), "size=200m", script) else {
        return;
    };
    let messages = answer.expect(69).messages;
    let space = format!("tmpfs at {} has", desk.folder().join("full").display());
    for part in ["disk_full", "53100", &space, "dotwrap doctor"] {
        assert!(messages.contains(part), "{part} is not in {messages}");
    }
}
