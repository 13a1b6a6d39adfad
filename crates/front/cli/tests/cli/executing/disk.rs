//! Disks that are full.

use std::process::Command;

use super::site::{Pair, Site};
use crate::support::Answer;

/// Runs a script in a mount namespace of its own, in which `$FULL` is a small file system of its own. None:
/// this machine lets nobody have one.
fn with_small_disk(site: &Site, script: &str) -> Option<Answer> {
    let full = site.path("full");
    std::fs::create_dir_all(&full).unwrap();
    let of_program = site.0.command(&[]);
    let mount = r#"mount -t tmpfs -o size=1m,nr_inodes=64 none "$FULL" && exec sh -c "$SCRIPT""#;
    let in_namespace = |words: &[&str], what: &str| {
        let mut command = Command::new("unshare");
        command.args(words).args(["sh", "-c", what]).env_clear();
        for (name, value) in of_program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
            .current_dir(site.0.desk.folder())
            .env("DOTWRAP", of_program.get_program())
            .env("FULL", &full)
            .env("SCRIPT", script);
        command
    };
    for words in [&["-m"][..], &["-Urm"]] {
        let tried = in_namespace(
            words,
            "mount -t tmpfs -o size=1m,nr_inodes=64 none \"$FULL\"",
        )
        .output();
        if tried.is_ok_and(|tried| tried.status.success()) {
            return Some(Answer::of(&mut in_namespace(words, mount)));
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
