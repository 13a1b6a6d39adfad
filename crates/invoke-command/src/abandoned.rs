//! What is done when the supervisor itself was killed: by a tool of a real run, which may, or by an operator.
//!
//! Nobody adopts orphans then. The tool itself is killed by the kernel with its supervisor; its other processes are looked for
//! by their session and by a variable in their environment. A process that left both can not be found; the
//! report says that the supervisor was lost, and so that nobody knows.

use std::{collections::BTreeSet, fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    Leftover, Report,
    supervised::MARK,
    supervisor::{Process, processes},
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
    report
}

fn find(tool: u32, mark: &str) -> Vec<Process> {
    let variable = format!("{MARK}={mark}");
    processes()
        .into_iter()
        .filter(|process| !process.has_ended())
        .filter(|process| {
            process.session.unsigned_abs() == tool || has_variable(process.id, variable.as_bytes())
        })
        .collect()
}

fn has_variable(process: i32, variable: &[u8]) -> bool {
    fs::read(format!("/proc/{process}/environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable)
    })
}
