//! What is done when the supervisor itself was killed: by a tool of a real run, which may, or by an operator.
//!
//! The tool itself is killed by the kernel with its supervisor. Its other processes are orphans then, and dotwrap is the next who
//! adopts them: it is told apart from its other children by a mark that no process can take off again, the kernel's
//! `no_new_privs`. Where dotwrap bears that itself, or the system knows neither, they are looked for by their session and by a variable
//! in their environment; a process that left both is not found. The report says in any case that the supervisor was lost, and so
//! that nobody knows what was done.

use std::{collections::BTreeSet, fs, time::Duration};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};

use crate::{
    Leftover, Report,
    supervised::MARK,
    supervisor::{Process, family, processes},
};

const PAUSE: Duration = Duration::from_millis(20);
const PASSES: usize = 100;

/// Kills what can be found of a tool.
pub(crate) async fn end(tool: u32, mark: &str) -> Report {
    let mut report = Report::of_lost_supervisor(tool);
    let mut killed = BTreeSet::new();
    for _ in 0..PASSES {
        let found = find(tool, mark);
        if found.is_empty() {
            break;
        }
        for process in &found {
            let _gone_already = kill(Pid::from_raw(process.id), Signal::SIGKILL);
            killed.insert(process.id);
        }
        tokio::time::sleep(PAUSE).await;
    }
    if !killed.is_empty() {
        let many = killed.len();
        report.told.push(format!(
            "SIGKILL to {many} that were found after the supervisor was lost"
        ));
    }
    report.survived = find(tool, mark).iter().map(Leftover::from).collect();
    for process in adopted(&processes()) {
        // Nobody else asks how they ended, and nobody wants to know.
        let _still_runs = waitpid(Pid::from_raw(process), Some(WaitPidFlag::WNOHANG));
    }
    report
}

fn find(tool: u32, mark: &str) -> Vec<Process> {
    let variable = format!("{MARK}={mark}");
    let all = processes();
    let adopted = family(&all, adopted(&all));
    all.into_iter()
        .filter(|process| !process.has_ended())
        .filter(|process| {
            process.session.unsigned_abs() == tool
                || adopted.contains(&process.id)
                || has_variable(process.id, variable.as_bytes())
        })
        .collect()
}

/// The children of this process that once were a tool's. A tool whose supervisor lives is its supervisor's child.
fn adopted(all: &[Process]) -> BTreeSet<i32> {
    let own = std::process::id().cast_signed();
    if has_no_new_privileges(own) {
        return BTreeSet::new();
    }
    all.iter()
        .filter(|process| process.parent == own && has_no_new_privileges(process.id))
        .map(|process| process.id)
        .collect()
}

fn has_no_new_privileges(process: i32) -> bool {
    fs::read_to_string(format!("/proc/{process}/status")).is_ok_and(|status| {
        status
            .lines()
            .filter_map(|line| line.strip_prefix("NoNewPrivs:"))
            .any(|set| set.trim() == "1")
    })
}

fn has_variable(process: i32, variable: &[u8]) -> bool {
    fs::read(format!("/proc/{process}/environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable)
    })
}
