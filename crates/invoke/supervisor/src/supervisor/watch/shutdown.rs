//! How a supervisor ends everything that its tool has started, and what it reports.

use std::time::{Duration, Instant};

use nix::sys::{
    resource::{UsageWho, getrusage},
    signal::Signal,
    time::TimeValLike,
};

use super::Supervisor;
use crate::supervisor::{
    EndReason, LeftProcess, RemainingProcess, Report, Status, Usage,
    descendants::{self, Process},
    protocol::clock,
};

/// What a tool started may end a moment after it; that is no daemon.
const SETTLE_TIME: Duration = Duration::from_millis(100);

/// How often the leave is looked at while the grace lasts.
const GRACE_POLL: Duration = Duration::from_millis(100);

/// How often SIGKILL is repeated for what was forked meanwhile, and for how long.
const KILL_INTERVAL: Duration = Duration::from_millis(10);
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the last of standard error is waited for when nobody of ours is left to write it.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(200);

/// How many entries a list of the report has at most: a tool can start any number.
const LISTED: usize = 32;

impl Supervisor<'_> {
    /// What the tool left behind when it ended by itself.
    pub(super) fn leftover(&mut self, why: EndReason) -> Vec<Process> {
        if why != EndReason::ToolEnded {
            return Vec::new();
        }
        self.wait_for_all(SETTLE_TIME);
        if self.all_ended {
            return Vec::new();
        }
        self.spare(why);
        self.running()
    }

    /// SIGTERM, the grace, then SIGKILL until the kernel says that no child is left.
    pub(super) fn end_all(&mut self) {
        if self.is_over() {
            return;
        }
        if !self.grace.is_zero() {
            self.signal_all(Signal::SIGTERM);
            // What is stopped does not hear it.
            self.signal(&self.running(), Signal::SIGCONT);
            self.wait_out_grace();
        }
        if self.is_over() {
            return;
        }
        self.signal_all(Signal::SIGKILL);
        let since = Instant::now();
        let mut pause = KILL_INTERVAL;
        while !self.is_over() && since.elapsed() < KILL_TIMEOUT {
            if let Some(cgroup) = &self.cgroup
                && self.not_enforced.is_empty()
            {
                let _by_hand_then = cgroup.group().kill();
            }
            self.wait_for_all(pause);
            if !self.is_over() {
                let targets = self.targets();
                self.signal(&targets, Signal::SIGKILL);
                // Several that are still there multiply faster than they can be counted: no pause for them.
                pause = if targets.len() > 1 {
                    Duration::ZERO
                } else {
                    KILL_INTERVAL
                };
            }
        }
    }

    fn signal_all(&mut self, signal: Signal) {
        let targets = self.targets();
        let (group, others): (Vec<_>, Vec<_>) = targets
            .iter()
            .partition(|process| process.group == self.tool);
        if !group.is_empty() {
            self.signals_sent.push(format!(
                "{signal} to process group {} ({})",
                self.tool,
                counted(group.len())
            ));
        }
        if !others.is_empty() {
            let what = counted(others.len());
            self.signals_sent
                .push(format!("{signal} to {what} outside that group"));
        }
        self.signal(&targets, signal);
    }

    /// What is spared may be in the same group as what is not: then each is signalled alone.
    fn signal(&self, processes: &[Process], signal: Signal) {
        match self.spared.is_empty() {
            true => descendants::signal(processes, signal),
            false => descendants::signal_each(processes, signal),
        }
    }

    /// Everything that runs below; where the system does not show it, at least the tool.
    fn targets(&self) -> Vec<Process> {
        let mut targets = self.running();
        if targets.is_empty() && self.status.is_none() {
            targets.push(Process {
                id: self.tool,
                name: String::new(),
                state: 'R',
                parent: 0,
                group: self.tool,
                session: self.tool,
                threads: 1,
                started: 0,
            });
        }
        targets
    }

    pub(super) fn wait_for_all(&mut self, wait_limit: Duration) {
        let since = Instant::now();
        while !self.is_over() {
            let left = wait_limit.saturating_sub(since.elapsed());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    // It is ending already, whatever the reason.
                    let _ = self.note(event);
                }
                Err(_) => return,
            }
        }
    }

    /// Waits for the grace, which may be cut meanwhile, and for no longer than the tool has leave.
    fn wait_out_grace(&mut self) {
        let since = Instant::now();
        while !self.all_ended {
            let mut left = self.grace.saturating_sub(since.elapsed());
            if let Some(leave) = self.leave {
                left = left.min(leave.saturating_sub(clock()));
            }
            if left.is_zero() {
                return;
            }
            self.wait_for_one(left.min(GRACE_POLL));
        }
    }

    /// Waits for one event, and notes it: everything is ending already, whatever the event says.
    fn wait_for_one(&mut self, wait_limit: Duration) {
        if let Ok(event) = self.events.recv_timeout(wait_limit) {
            let _ = self.note(event);
        }
    }

    pub(super) fn note_end(&mut self, process: i32, status: Status) {
        if process == self.tool {
            self.status = Some(status);
        }
        if self.ended.len() < LISTED {
            self.ended.push(format!("process {process} {status}"));
        }
    }

    pub(super) fn report(self, why: EndReason, leftover: Vec<Process>) -> Report {
        let survived = if self.all_ended {
            Vec::new()
        } else {
            self.running()
        };
        let left_running = self.left_running();
        let left_running = left_running.iter().take(LISTED).map(LeftProcess::from);
        let listed = |processes: Vec<Process>| -> Vec<RemainingProcess> {
            processes
                .iter()
                .take(LISTED)
                .map(RemainingProcess::from)
                .collect()
        };
        Report {
            process: self.tool.unsigned_abs(),
            status: self.status,
            why,
            signals_sent: self.signals_sent,
            ended: self.ended,
            leftover: listed(leftover),
            survived: listed(survived),
            left_running: left_running.collect(),
            not_enforced: self.not_enforced,
            stderr: self.drain.counted(DRAIN_TIMEOUT),
            usage: usage(),
            duration_ms: u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn counted(number: usize) -> String {
    match number {
        1 => "1 process".to_owned(),
        more => format!("{more} processes"),
    }
}

/// Of everything that was waited for, by us or by its parent.
fn usage() -> Option<Usage> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let milliseconds =
        |time: nix::sys::time::TimeVal| time.num_milliseconds().max(0).unsigned_abs();
    Some(Usage {
        user_ms: milliseconds(usage.user_time()),
        system_ms: milliseconds(usage.system_time()),
        largest_resident_kib: usage.max_rss().max(0).unsigned_abs(),
    })
}
