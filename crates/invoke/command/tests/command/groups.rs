//! Control groups: what a tool starts is in its call's, whatever it does, and ends with it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use dotwrap_supervisor::kill_unlocked_groups;
use dotwrap_testkit::own_control_group;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

use crate::support::{Case, failure, is_gone, number_in, printed};

/// The line of `/proc/PID/cgroup` that names the group; the tests' own where none can be made.
fn expected_to_contain() -> &'static str {
    match own_control_group() {
        Some(_) => "/dotwrap.",
        None => "0::/",
    }
}

#[tokio::test]
async fn a_call_has_a_group_of_its_own_and_leaves_none() {
    for is_real in [false, true] {
        let case = Case::script("setsid env -i grep ^0:: /proc/self/cgroup", json!({}));
        let case = if is_real { case.for_real() } else { case };
        let group = printed(&case.run().await);
        assert!(group.contains(expected_to_contain()), "{group}");
        if let Some(own) = own_control_group() {
            let name = group.trim().rsplit('/').next().unwrap();
            assert!(!own.join(name).exists(), "{name} was left");
        }
    }
}

#[tokio::test]
async fn groups_that_a_tool_makes_below_its_own_go_with_it() {
    let Some(own) = own_control_group() else {
        // As every folder outside the call's own, to a dry run.
        let case = Case::script("mkdir /sys/fs/cgroup/x && echo made || echo no", json!({}));
        assert_eq!(printed(&case.run().await), "no\n");
        return;
    };
    let script = format!(
        "group={}/$(grep ^0:: /proc/self/cgroup | sed 's:.*/::'); mkdir -p $group/a/b
(setsid env -i sh -c \"echo 0 >$group/a/b/cgroup.procs; echo \\$\\$ >daemon; sleep 1000\" &)
while ! test -s daemon; do :; done; echo $group; kill -9 $PPID; sleep 1000",
        own.display()
    );
    let case = Case::script(&script, json!({})).for_real();
    let answer = case.run().await;
    assert_eq!(failure(&answer).code, "supervisor_lost");
    assert!(is_gone(case.process_in("daemon").await));
    let stdout = fs::read_to_string(case.call.folder.join("stdout")).unwrap();
    assert!(stdout.contains("/dotwrap."), "{stdout}");
    assert!(!PathBuf::from(stdout.trim()).exists(), "{stdout}");
}

/// This process may have become the one that adopts orphans, and asks for none of them how it ended.
fn has_ended(process: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.is_empty() || status.contains("\nState:\tZ")
}

/// Where there are no groups, such a process is not found; the contracts' reference says so.
#[tokio::test]
async fn what_a_tool_leaves_that_killed_supervisor_and_runner_is_ended_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"(setsid env -i sh -c 'echo $$ >daemon; sleep 1000' >/dev/null 2>&1 &)
while ! test -s daemon; do :; done; read -r go <go; kill -9 $RUNNER $PPID; sleep 1000"#;
    nix::unistd::mkfifo(
        &folder.path().join("go"),
        nix::sys::stat::Mode::from_bits_truncate(0o600),
    )
    .unwrap();
    let mut runner = Command::new(env!("CARGO_BIN_EXE_invoke-command-probe"))
        .arg(folder.path())
        .args(["/bin/sh", "-c"])
        .arg(script.replace("$RUNNER", "$(cat runner)"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(folder.path().join("runner"), runner.id().to_string()).unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(runner.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let daemon = number_in(&folder.path().join("daemon")).await;
    assert!(!has_ended(daemon));
    // While its owners live, nobody touches it.
    kill_unlocked_groups();
    assert!(!has_ended(daemon));
    fs::write(folder.path().join("go"), "\n").unwrap();
    runner.wait().unwrap();
    let tool: i32 = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
    while !has_ended(tool) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if own_control_group().is_some() {
        // Another test's first call may look for abandoned groups at this very moment: then it holds the lock, and ends
        // the group.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !has_ended(daemon) && Instant::now() < deadline {
            kill_unlocked_groups();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(has_ended(daemon));
    } else {
        kill(Pid::from_raw(daemon), Signal::SIGKILL).unwrap();
    }
}
