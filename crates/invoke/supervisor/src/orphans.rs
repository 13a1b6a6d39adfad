//! What is done when the supervisor itself was killed or halted: by a tool of a real run, which may, or by an operator.
//!
//! The tool itself is killed by the kernel with its supervisor. Its other processes are all in the call's control
//! group, where there is one. Else they are looked for by their session and by a variable in their environment. Those
//! that left both are found where this process adopts them: the kernel gives it the orphans then, and they are told
//! from its other children by what no process can take off again: `no_new_privs`, a session that is not its own, and a
//! beginning after their supervisor's. Where there is no group and this process does not adopt, or bears `no_new_privs`
//! itself, such a one is not found; neither is one of a tool that may gain rights (`allow_setuid`), which has no such
//! mark. The report says in any case that the supervisor was lost, and so that nobody knows
//! what was done.

use std::{collections::BTreeSet, fmt, fs, io, sync::OnceLock, thread, time::Duration};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::{Pid, getsid},
};
use tokio::time::Instant;

use crate::{
    EndReason, RemainingProcess, Report, StderrKept,
    cgroup::Cgroup,
    left_processes,
    supervised::CALL_ID_VARIABLE,
    supervisor::{Process, process_tree, processes, set_subreaper},
};

const PAUSE: Duration = Duration::from_millis(20);
const PASSES: usize = 100;

/// How many entries a list of the report has at most.
const MAX_LISTED: usize = 32;

/// How a supervisor was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SupervisorLoss {
    /// Somebody killed it.
    Killed,
    /// Somebody halted it, and it was ended.
    Halted,
    /// It did not answer in time, and was ended.
    Silent,
}

/// A tool whose supervisor was lost, or may be.
#[derive(Clone, Debug)]
pub(crate) struct OrphanCleanup {
    /// Unknown where its supervisor did not live to say it.
    pub(crate) tool: Option<u32>,
    pub(crate) mark: String,
    /// The control group that its supervisor may have made for it.
    pub(crate) cgroup: Option<Cgroup>,
    /// When its supervisor was started, where the system tells.
    pub(crate) since: Option<u64>,
    /// Whether this process adopts what its supervisor leaves.
    pub(crate) adopts: bool,
    /// When its supervisor was told to start it.
    pub(crate) began: Instant,
    /// How its supervisor was lost, once it is.
    pub(crate) lost: SupervisorLoss,
}

/// Makes this process the one that adopts what a lost supervisor leaves, for good. Says whether it is.
pub(crate) fn become_subreaper() -> bool {
    static IS_SUBREAPER: OnceLock<bool> = OnceLock::new();
    *IS_SUBREAPER.get_or_init(|| {
        // Bearing it itself, it could tell nobody apart.
        let bears_it = has_no_new_privileges(std::process::id().cast_signed());
        bears_it.is_ok_and(|bears_it| !bears_it) && set_subreaper().is_ok()
    })
}

impl OrphanCleanup {
    /// Kills what can be found of it. Takes its time, in a thread that may wait: each look reads all of `/proc`.
    pub(crate) fn end(self) -> Report {
        let mut report = self.report();
        let mut killed = BTreeSet::new();
        for _ in 0..PASSES {
            let found = self.find();
            if found.is_empty() {
                break;
            }
            if let Some(cgroup) = &self.cgroup {
                let _was_not_made = cgroup.kill();
            }
            for process in &found {
                let _gone_already = kill(Pid::from_raw(process.id), Signal::SIGKILL);
                killed.insert(process.id);
            }
            thread::sleep(PAUSE);
        }
        if !killed.is_empty() {
            let many = killed.len();
            report.signals_sent.push(format!(
                "SIGKILL to {many} that were found after the supervisor was lost"
            ));
        }
        let survived = self.find();
        // By nothing that is seen here: the kernel killed the tool with its supervisor.
        killed.extend(self.tool.map(u32::cast_signed));
        for process in &survived {
            killed.remove(&process.id);
        }
        let ended = killed.iter().take(MAX_LISTED);
        report.ended = ended
            .map(|process| format!("process {process} is gone"))
            .collect();
        report.survived = survived
            .iter()
            .take(MAX_LISTED)
            .map(RemainingProcess::from)
            .collect();
        report.duration_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(cgroup) = &self.cgroup {
            cgroup.remove();
        }
        for process in self.adopted(&processes()) {
            // Nobody else asks how they ended, and nobody wants to know.
            let _still_runs = waitpid(Pid::from_raw(process), Some(WaitPidFlag::WNOHANG));
        }
        report
    }

    /// What is known of it as soon as its supervisor is lost, which had measured the rest.
    pub(crate) fn report(&self) -> Report {
        let lost = self.lost;
        let signals_sent = match lost {
            SupervisorLoss::Killed => Vec::new(),
            SupervisorLoss::Halted | SupervisorLoss::Silent => {
                vec![format!("SIGKILL to its supervisor, which {lost}")]
            }
        };
        Report {
            process: self.tool.unwrap_or_default(),
            status: None,
            why: EndReason::SupervisorLost,
            signals_sent,
            ended: Vec::new(),
            leftover: Vec::new(),
            survived: Vec::new(),
            left_running: Vec::new(),
            not_enforced: vec![format!(
                "from a moment that nobody knows: what its supervisor watches (timeout_ms, limits.processes, the lease): the supervisor {lost}"
            )],
            stderr: StderrKept::default(),
            usage: None,
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn find(&self) -> Vec<Process> {
        let variable = format!("{CALL_ID_VARIABLE}={}", self.mark);
        let all = processes();
        let adopted = process_tree(&all, self.adopted(&all));
        let left = all
            .iter()
            .filter(|process| left_processes::contain(process));
        let left = process_tree(&all, left.map(|process| process.id).collect());
        let grouped = self.cgroup.as_ref().map(Cgroup::processes);
        let grouped = grouped.unwrap_or_default();
        all.into_iter()
            .filter(|process| !process.has_ended() && self.is_younger(process))
            .filter(|process| !left.contains(&process.id))
            .filter(|process| {
                self.tool == Some(process.session.unsigned_abs())
                    || grouped.contains(&process.id)
                    || adopted.contains(&process.id)
                    || has_variable(process.id, variable.as_bytes())
            })
            .collect()
    }

    /// Whether its supervisor may have started it: ids are given again.
    fn is_younger(&self, process: &Process) -> bool {
        self.since.is_none_or(|since| process.started >= since)
    }

    /// The children of this process that once were a tool's. A tool whose supervisor lives is its supervisor's child.
    fn adopted(&self, all: &[Process]) -> BTreeSet<i32> {
        let Ok(session) = getsid(None) else {
            return BTreeSet::new();
        };
        if !self.adopts {
            return BTreeSet::new();
        }
        let own = std::process::id().cast_signed();
        all.iter()
            .filter(|process| process.parent == own && process.session != session.as_raw())
            .filter(|process| self.is_younger(process))
            .filter(|process| has_no_new_privileges(process.id).unwrap_or_default())
            .map(|process| process.id)
            .collect()
    }
}

impl fmt::Display for SupervisorLoss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Killed => "was killed",
            Self::Halted => "was halted",
            Self::Silent => "did not answer",
        })
    }
}

/// As bytes: a process names itself as it likes.
fn has_no_new_privileges(process: i32) -> io::Result<bool> {
    let status = fs::read(format!("/proc/{process}/status"))?;
    let mut lines = status.split(|byte| *byte == b'\n');
    Ok(lines.any(|line| line == b"NoNewPrivs:\t1"))
}

fn has_variable(process: i32, variable: &[u8]) -> bool {
    fs::read(format!("/proc/{process}/environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable)
    })
}
