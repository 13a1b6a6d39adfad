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
        --runs-folder "$FULL" --min-free-bytes 0 --output json"#;
    let Some(answer) = with_small_disk(&site, script) else {
        return;
    };
    let run = answer.expect(1).json();
    assert_eq!(run["error_ref"], "producer: disk_full");
    let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
    assert!(
        shown.contains("tmpfs at ") && shown.contains(" free of 1.0 MiB"),
        "{shown}"
    );
}

#[test]
fn no_run_is_begun_on_a_disk_with_less_than_is_to_stay_free() {
    let site = Site::with(&Pair::default());
    let script = r#"exec "$DOTWRAP" run DOT_MAKE --candidate PROC-CAND:test --mode real-run --input x \
        --runs-folder "$FULL""#;
    let Some(answer) = with_small_disk(&site, script) else {
        return;
    };
    let messages = answer.expect(69).messages;
    for part in ["disk_full", "256 MiB", "runs prune", "--min-free-bytes"] {
        assert!(messages.contains(part), "{part} is not in {messages}");
    }
    let runs = site.0.call(&["runs", "ls", "--output", "json"]);
    assert_eq!(runs.expect(0).output, "[]\n");
}

#[test]
fn run_under_way_is_stopped_when_the_disk_is_nearly_full() {
    let fills = "head -c 40000000 /dev/zero > '{output}'; exec sleep 600";
    let site = Site::with(&Pair::of_producer(fills));
    let script = r#"export DOTWRAP_MIN_FREE_BYTES=33554432
        exec "$DOTWRAP" run DOT_MAKE --candidate PROC-CAND:test --mode real-run \
        --runs-folder "$FULL" --output json"#;
    let command = site.0.command(&[]);
    let Some(answer) = with_disk(&site.0.desk, &command, "size=64m", script) else {
        return;
    };
    let run = answer.expect(1).json();
    assert_eq!(run["error_ref"], "producer: disk_full");
    assert_eq!(run["status"], "cancelled");
    let shown = site.0.call(&["runs", "show", "last", "--output", "json"]);
    let evidence = shown.expect(0).json()["components"][0]["evidence_ref"].clone();
    assert_eq!(evidence["stop"]["reason"], "disk_full", "{evidence}");
    let space = evidence["disk_full"].as_str().unwrap();
    assert!(space.contains(" free of 64.0 MiB"), "{space}");
}

/// Without its reserve, PostgreSQL does not start on a disk without any space.
#[test]
fn embedded_database_starts_on_a_full_disk_by_its_reserve() {
    let desk = Desk::new();
    std::fs::set_permissions(desk.folder(), PermissionsExt::from_mode(0o711)).unwrap();
    let script = r#"export DOTWRAP_HOME="$FULL"
        reserve="$FULL/embedded/reserve"
        looks() {
            i=0
            while ! eval "$1" && [ $i -lt 200 ]; do i=$((i + 1)); "$DOTWRAP" gates ls > gates; done
            eval "$1"
        }
        "$DOTWRAP" tools import --sample > import 2>&1 || exit 90
        looks '[ -e "$reserve" ]' || exit 91
        "$DOTWRAP" embedded stop || exit 92
        dd if=/dev/zero of="$FULL/fill" bs=4k 2> dd
        "$DOTWRAP" gates ls > gates || exit 93
        [ ! -e "$reserve" ] || exit 94
        rm "$FULL/fill"
        looks '[ -e "$reserve" ]' || exit 95
        "$DOTWRAP" embedded stop || exit 96
        # Without a reserve.
        dd if=/dev/zero of="$FULL/fill" bs=4k 2> dd
        rm "$reserve"
        dd if=/dev/zero of="$FULL/fill2" bs=4k 2> dd
        "$DOTWRAP" doctor > doctor"#;
    let Some(answer) = with_disk(&desk, &desk.command(&[]), "size=300m", script) else {
        return;
    };
    let messages = answer.expect(69).messages;
    let space = format!("tmpfs at {} has", desk.folder().join("full").display());
    for part in ["disk_full", "did not start", "runs prune", &space] {
        assert!(messages.contains(part), "{part} is not in {messages}");
    }
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

/// A project's file may ask for more space than the user's own, and not for less.
#[test]
fn how_much_stays_free_is_a_setting_as_the_others() {
    let site = Site::with(&Pair::default());
    let input = site.file("in", "a\n");
    let words = ["run", "DOT_MAKE", "--candidate", "PROC-CAND:test"];
    let more = ["--mode", "real-run", "--runs-folder", "runs", "--input"];
    let words = [&words[..], &more, &[&input]].concat();
    let too_much = "min_free_bytes = 9000000000000000\n";
    site.file("dotwrap.toml", too_much);
    let refused = site.0.failure(&words, 69);
    assert_eq!(refused["code"], "disk_full");
    let flag = [&words[..], &["--min-free-bytes", "0"]].concat();
    site.0.call(&flag).expect(0);
    site.file(".config/dotwrap/dotwrap.toml", too_much);
    site.file("dotwrap.toml", "min_free_bytes = 0\n");
    assert_eq!(site.0.failure(&words, 69)["code"], "disk_full");
    let with = |value| {
        let mut command = site.0.command(&words);
        Answer::of(command.env("DOTWRAP_MIN_FREE_BYTES", value))
    };
    with("0").expect(0);
    let refused = with("a lot").expect(2).messages;
    assert!(refused.contains("a number of bytes"), "{refused}");
}
