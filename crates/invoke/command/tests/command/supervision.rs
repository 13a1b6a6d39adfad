//! The lower half: a tool under supervision.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio as Std},
};

use dotwrap_supervisor::{EndReason, Program, Status, Stdin};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{number_in, supervisor, wait_until_gone};

fn shell(script: &str) -> (Program, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::new("/bin/sh", folder.path(), &folder.path().join("stderr"));
    program.arguments = vec!["-c".to_owned(), script.to_owned()];
    program
        .environment
        .insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    (program, folder)
}

#[tokio::test]
async fn stdin_and_stdout_are_piped() {
    let (program, _folder) = shell("while read line; do echo \"got $line\"; done; exit 4");
    let mut tool = supervisor().start(program, Stdin::Piped).await.unwrap();
    let mut stdin = tool.stdin.take().unwrap();
    let mut stdout = tool.stdout.take().unwrap();
    stdin.write_all(b"one\n").await.unwrap();
    let mut answer = [0; 8];
    stdout.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"got one\n");
    drop(stdin);
    let report = tool.wait().await;
    assert_eq!(
        (report.why, report.status),
        (EndReason::ToolEnded, Some(Status::Exited(4)))
    );
    assert_eq!(tool.wait().await, report);
}

#[tokio::test]
async fn it_can_be_stopped() {
    let (program, _folder) = shell("echo ready; sleep 1000");
    let mut tool = supervisor().start(program, Stdin::Piped).await.unwrap();
    let mut ready = [0; 6];
    tool.stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .await
        .unwrap();
    tool.stop();
    tool.stop();
    let report = tool.wait().await;
    assert_eq!(report.why, EndReason::Told);
    assert_eq!(report.status, Some(Status::Signalled(15)));
}

#[tokio::test]
async fn what_can_not_be_executed_has_not_started() {
    let (mut program, folder) = shell("true");
    program.path = folder.path().join("nothing");
    let refused = supervisor()
        .start(program, Stdin::Nothing)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("No such file"), "{refused}");
}

/// A probe that holds a tool with a daemon, and the processes that run for it.
struct Held {
    probe: std::process::Child,
    processes: Vec<i32>,
    _output: BufReader<std::process::ChildStdout>,
    _folder: TempDir,
}

async fn held() -> Held {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"trap "" TERM; echo $$ >tool
(setsid sh -c 'trap "" TERM; echo $$ >daemon; while :; do sleep 1000; done' >/dev/null 2>&1 &)
while :; do sleep 1000; done"#;
    let mut probe = Command::new(env!("CARGO_BIN_EXE_invoke-command-probe"))
        .arg(folder.path())
        .args(["/bin/sh", "-c", script])
        .env("PATH", "/usr/bin:/bin")
        .stdout(Std::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(probe.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("started "), "{line}");
    let mut processes = Vec::new();
    for name in ["tool", "daemon"] {
        processes.push(number_in(&folder.path().join(name)).await);
    }
    Held {
        probe,
        processes,
        _output: output,
        _folder: folder,
    }
}

#[tokio::test]
async fn killing_runner_kills_tool() {
    let mut held = held().await;
    held.probe.kill().unwrap();
    held.probe.wait().unwrap();
    for process in held.processes {
        wait_until_gone(process).await;
    }
}

#[tokio::test]
async fn telling_the_supervisor_to_end_ends_the_tool() {
    let mut held = held().await;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", held.processes[0])).unwrap();
    let supervisor: i32 = stat.split(' ').nth(3).unwrap().parse().unwrap();
    kill(Pid::from_raw(supervisor), Signal::SIGTERM).unwrap();
    for process in held.processes {
        wait_until_gone(process).await;
    }
    assert!(held.probe.wait().unwrap().success());
}

#[tokio::test]
async fn no_zombie_is_left() {
    let (program, _folder) = shell("(sleep 0 &); true");
    let mut tool = supervisor().start(program, Stdin::Nothing).await.unwrap();
    let process = tool.process();
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    let supervisor = stat
        .ok()
        .and_then(|stat| stat.split(' ').nth(3)?.parse().ok());
    tool.wait().await;
    wait_until_gone(process.cast_signed()).await;
    if let Some(supervisor) = supervisor {
        wait_until_gone(supervisor).await;
    }
}
