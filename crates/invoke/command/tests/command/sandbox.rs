//! Below a real run, nothing outside the call's folder is written.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

use dotwrap_invoke::{CallOutcome, ReadLimit, Stop};
use dotwrap_supervisor::Supervisor;
use nix::unistd::Uid;
use serde_json::json;

use crate::support::{Case, failure, printed, supervisor};

/// A script that tries something outside and prints whether it could.
fn trying(case: Case, what: &str) -> Case {
    let outside = case.outside();
    fs::write(outside.join("there"), "before").unwrap();
    let script = format!(
        "cd '{}'; if {what}; then echo yes; else echo no; fi",
        outside.display()
    );
    case.more(json!({"argv": ["-c", script]}))
}

fn empty() -> Case {
    Case::new("command:sh", json!({"argv": []}))
}

const ATTEMPTS: [&str; 8] = [
    "echo x >new",
    "echo x >>there",
    "true >there",
    "truncate -s 0 there",
    "rm there",
    "mv there elsewhere",
    "mkdir folder",
    "ln -s there link",
];

#[tokio::test]
async fn a_dry_run_can_not_write_outside() {
    for what in ATTEMPTS {
        let case = trying(empty(), what);
        let answer = case.run().await;
        assert_eq!(printed(&answer), "no\n", "{what}");
        let names: Vec<_> = fs::read_dir(case.outside()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "{what}");
        assert_eq!(
            fs::read_to_string(case.outside().join("there")).unwrap(),
            "before"
        );
        let sandbox = &answer.evidence["sandbox"];
        assert_eq!(sandbox["mechanism"], json!("landlock"));
        assert_eq!(sandbox["writes"], json!("enforced"), "{sandbox}");
        assert_eq!(sandbox["network"], json!("not_restricted"));
    }
}

#[tokio::test]
async fn sandbox_applies_to_children() {
    let case = trying(empty(), "setsid sh -c '(echo x >new) & wait $!'");
    assert_eq!(printed(&case.run().await), "no\n");
}

#[tokio::test]
async fn a_declared_path_may_be_written_to() {
    for what in ATTEMPTS {
        let case = trying(empty(), what);
        let outside = case.outside();
        let case = case.more(json!({"paths": {"write": [outside]}}));
        assert_eq!(printed(&case.run().await), "yes\n", "{what}");
    }
    let case = trying(empty(), "echo x >>there && ! echo x >new");
    let file = case.outside().join("there");
    let case = case.more(json!({"paths": {"write": [file]}}));
    assert_eq!(printed(&case.run().await), "yes\n");
}

#[tokio::test]
async fn a_declared_path_that_is_not_there_stays_closed_and_is_named() {
    let case = trying(empty(), "echo x >new");
    let new = case.outside().join("new");
    let case = case.more(json!({"paths": {"write": [new]}}));
    let answer = case.run().await;
    assert_eq!(printed(&answer), "no\n");
    let missing = answer.evidence["sandbox"]["missing"].to_string();
    assert!(missing.contains("declared and not there"), "{missing}");
    assert!(missing.contains("connections"), "{missing}");
}

/// Another tool could have put it there.
#[tokio::test]
async fn a_declared_path_that_goes_through_a_link_stays_closed_and_is_named() {
    for declared in ["link", "link/deep"] {
        let case = trying(empty(), "echo x >aim/deep/new");
        let outside = case.outside();
        fs::create_dir_all(outside.join("aim/deep")).unwrap();
        symlink(outside.join("aim"), outside.join("link")).unwrap();
        let case = case.more(json!({"paths": {"write": [outside.join(declared)]}}));
        let (_, supervisor) = concealed(&case);
        let answer = case.run_by(supervisor, Stop::never()).await;
        assert_eq!(printed(&answer), "no\n", "{declared}");
        let missing = answer.evidence["sandbox"]["missing"].to_string();
        assert!(missing.contains("goes through a link"), "{missing}");
    }
}

/// A file that only its path gives away, and a supervisor whose tools are not to read it.
fn concealed(case: &Case) -> (PathBuf, Supervisor) {
    let file = case.outside().join("secret");
    fs::write(&file, "secret").unwrap();
    let supervisor = supervisor().hiding_paths(&file);
    (file, supervisor)
}

const LOOKS: [&str; 6] = [
    "cat secret",
    "cat <secret",
    "cat link",
    "cat /proc/$PPID/root/$PWD/secret",
    "ln secret {folder}/work/secret",
    "mv secret {folder}/work/",
];

#[tokio::test]
async fn what_is_concealed_is_not_read_in_a_dry_run() {
    for look in LOOKS {
        let case = trying(empty(), look);
        let (file, supervisor) = concealed(&case);
        symlink(&file, case.outside().join("link")).unwrap();
        let answer = case.run_by(supervisor, Stop::never()).await;
        assert_eq!(printed(&answer), "no\n", "{look}");
        let sandbox = &answer.evidence["sandbox"];
        let file = file.canonicalize().unwrap();
        assert_eq!(sandbox["unreadable"], json!([file]), "{sandbox}");
    }
}

#[tokio::test]
async fn a_concealed_folder_s_files_are_not_read_either() {
    let case = trying(empty(), "ls deep >/dev/null && cat deep/file");
    let folder = case.outside().join("deep");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "").unwrap();
    let answer = case
        .run_by(supervisor().hiding_paths(&folder), Stop::never())
        .await;
    assert_eq!(printed(&answer), "no\n");
    let case = Case::script("cat", json!({"stdin": "{input}"}));
    let case = case.input(folder.join("file").to_str().unwrap());
    let answer = case
        .run_by(supervisor().hiding_paths(&folder), Stop::never())
        .await;
    assert!(
        matches!(&answer.ending, CallOutcome::Failed(failure) if failure.code == "stdin_unusable")
    );
}

/// As an ordinary account has it: root may list and enter every folder.
fn ordinary(case: &Case, concealed: &Path) -> Supervisor {
    let probe = env!("CARGO_BIN_EXE_invoke-command-probe");
    let reduced = "setpriv --bounding-set=-dac_override,-dac_read_search";
    let path = case.outside().join("supervisor");
    let how = if Uid::effective().is_root() {
        reduced
    } else {
        ""
    };
    fs::write(&path, format!("#!/bin/sh\nexec {how} '{probe}' \"$@\"\n")).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    Supervisor::with_executable(path).hiding_paths(concealed)
}

/// A real run may change permissions, and another tool may come after it.
#[tokio::test]
async fn a_folder_that_a_tool_has_closed_opens_nothing_to_the_next() {
    for (mode, by_link) in [
        ("u-r", false),
        ("u-x", false),
        ("000", false),
        ("000", true),
    ] {
        let case = trying(empty(), "cat home/inner/secret");
        let home = case.outside().join("home");
        fs::create_dir_all(home.join("inner")).unwrap();
        fs::write(home.join("inner/secret"), "").unwrap();
        fs::write(home.join("plain"), "").unwrap();
        let others = case.outside().join("others");
        fs::create_dir(&others).unwrap();
        symlink(home.join("inner"), others.join("link")).unwrap();
        if Uid::effective().is_root() {
            chown(&others, Some(65534), None).unwrap();
        }
        let named = if by_link {
            others.join("link")
        } else {
            home.join("inner")
        };
        let supervisor = ordinary(&case, &named.join("secret"));
        let is_started = mode == "u-r";
        let closing = trying(empty(), &format!("chmod {mode} '{}'", home.display())).for_real();
        let answer = closing.run_by(supervisor.clone(), Stop::never()).await;
        assert_eq!(printed(&answer), "yes\n");
        let answer = case.run_by(supervisor.clone(), Stop::never()).await;
        if is_started {
            assert_eq!(printed(&answer), "no\n", "{mode}");
            let unreadable = answer.evidence["sandbox"]["unreadable"].to_string();
            assert!(unreadable.contains("cannot be listed"), "{unreadable}");
        } else {
            assert_eq!(failure(&answer).code, "sandbox_unavailable", "{mode}");
            let why = &failure(&answer).message;
            assert!(why.contains("kept from being read"), "{why}");
        }
        fs::set_permissions(&home, PermissionsExt::from_mode(0o700)).unwrap();
        let plain = trying(empty(), &format!("cat '{}/plain'", home.display()));
        let answer = plain.run_by(supervisor, Stop::never()).await;
        assert_eq!(printed(&answer), "yes\n");
    }
}

#[tokio::test]
async fn other_files_stay_readable() {
    let looks = "cat there /proc/self/status /etc/passwd && ls . / && head -c 1 /dev/zero && cat /dev/fd/0 && echo | cat /dev/fd/0";
    let own = "echo own >{folder}/work/x && cat {folder}/work/x";
    let case = trying(empty(), &format!("({looks}) >/dev/null && {own}"));
    let (_, supervisor) = concealed(&case);
    let answer = case.run_by(supervisor, Stop::never()).await;
    assert_eq!(printed(&answer), "own\nyes\n", "{answer:?}");
}

#[tokio::test]
async fn what_is_concealed_is_no_tools_input() {
    let case = Case::script("cat", json!({"stdin": "{input}"}));
    let (file, supervisor) = concealed(&case);
    let link = case.outside().join("link");
    fs::hard_link(file, &link).unwrap();
    let case = case.input(link.to_str().unwrap()).for_real();
    let answer = case.run_by(supervisor, Stop::never()).await;
    assert!(
        matches!(&answer.ending, CallOutcome::Failed(failure) if failure.code == "stdin_unusable"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn where_nothing_can_be_concealed_the_evidence_says_so() {
    let case = trying(empty(), "cat secret >/dev/null");
    let (_, supervisor) = concealed(&case);
    let outside = case.outside();
    let case = case.more(json!({"paths": {"write": [outside]}}));
    let answer = case.run_by(supervisor, Stop::never()).await;
    assert_eq!(printed(&answer), "yes\n");
    let sandbox = &answer.evidence["sandbox"];
    assert_eq!(sandbox["writes"], json!("enforced"));
    assert!(sandbox.get("unreadable").is_none(), "{sandbox}");
    let missing = sandbox["missing"].to_string();
    assert!(
        missing.contains("secrets kept from being read:"),
        "{missing}"
    );
}

#[tokio::test]
async fn a_real_run_reads_what_its_account_reads() {
    let case = trying(empty(), "cat secret >/dev/null").for_real();
    let (_, supervisor) = concealed(&case);
    let answer = case.run_by(supervisor, Stop::never()).await;
    assert_eq!(printed(&answer), "yes\n");
}

/// Files, accounts and ports: all that a root in a sandbox may do more than others.
const KEPT_CAPABILITIES: u64 = 0x0004_443f;

fn other_capabilities(status: &str) -> u64 {
    let sets = status.lines().filter_map(|line| line.split_once(":\t"));
    sets.map(|(_, set)| u64::from_str_radix(set, 16).unwrap() & !KEPT_CAPABILITIES)
        .fold(0, |all, set| all | set)
}

#[tokio::test]
async fn a_root_in_a_dry_run_has_no_powers_over_other_processes_and_the_kernel() {
    let words = json!({"argv": ["-c", "sh -c 'grep -E \"^Cap[^B]\" /proc/self/status'"]});
    let case = empty().more(words.clone());
    let dry = case.run().await;
    assert_eq!(other_capabilities(&printed(&dry)), 0, "{}", printed(&dry));
    let missing = dry.evidence["sandbox"]["missing"].to_string();
    assert!(!missing.contains("capabilities"), "{missing}");
    if Uid::effective().is_root() {
        let case = empty().more(words).for_real();
        assert_ne!(other_capabilities(&printed(&case.run().await)), 0);
    }
}

#[tokio::test]
async fn a_relative_path_is_not_declared() {
    let case = Case::script("true", json!({"paths": {"write": ["{input}"]}})).input("etc");
    assert!(
        matches!(case.run().await.ending, CallOutcome::Failed(failure) if failure.code == "invocation_invalid")
    );
}

#[tokio::test]
async fn writes_allowed_in_call_folder_and_dev_null() {
    let script = "echo x >/dev/null && echo x >../tmp/x && mv ../tmp/x . && mkdir ../output && mv x ../output/";
    let case = Case::script(script, json!({"output": "file"}));
    assert_eq!(case.run().await.ending, CallOutcome::Completed);
}

#[tokio::test]
async fn a_verifier_in_a_dry_run_can_not_mend_what_it_looks_at() {
    let case = Case::verifier("cat $DOT_OUTPUT; echo mended >$DOT_OUTPUT", json!({}));
    let answer = case.run().await;
    assert_eq!(answer.evidence["exit_status"], json!(2));
    let produced = case.call.produced.clone().unwrap();
    let changed = produced.output.change(&ReadLimit::none()).unwrap();
    assert_eq!(changed, None);
}

#[tokio::test]
async fn a_real_run_may_write_and_the_evidence_says_so() {
    let case = trying(empty(), "echo x >new").for_real();
    let answer = case.run().await;
    assert_eq!(printed(&answer), "yes\n");
    assert_eq!(
        answer.evidence["sandbox"],
        json!({"mechanism": "none", "writes": "not_restricted", "network": "not_restricted"})
    );
}

#[tokio::test]
async fn no_tool_gains_rights_by_executing() {
    for case in [empty(), empty().for_real()] {
        let case = case.more(json!({"argv": ["-c", "grep NoNewPrivs /proc/self/status"]}));
        assert_eq!(printed(&case.run().await), "NoNewPrivs:\t1\n");
    }
}
