//! A tool under supervision, as dotwrap sees it.

mod channel;
mod pipes;
mod program;
mod start;
mod stop_watch;

use std::{
    io::Write,
    os::unix::net::UnixStream as BlockingStream,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use tokio::{
    io::{BufReader, Lines},
    net::{
        UnixStream,
        unix::pipe::{Receiver, Sender},
    },
    process::Child,
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::Instant,
};

use self::{channel::next_message, stop_watch::stopped_past_deadline};
use crate::{
    left_processes,
    orphans::{OrphanCleanup, SupervisorLoss},
    supervisor::{Launch, Message, NotStartedCode, Report, STOP},
};

pub(crate) use self::start::check_system;
pub use self::{
    program::{Program, RecordedArgv, Stdin},
    start::Supervisor,
};

/// The variable by which processes are found whose supervisor was killed.
pub(crate) const CALL_ID_VARIABLE: &str = "DOT_SUPERVISION";

/// A tool that did not start. Nothing of it runs, and nothing of it ever did.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct SpawnError {
    /// What kept it from being started.
    pub code: NotStartedCode,
    /// Why, for people.
    pub why: String,
}

impl SpawnError {
    fn other(why: impl Into<String>) -> Self {
        Self {
            code: NotStartedCode::Other,
            why: why.into(),
        }
    }
}

/// A tool that runs under supervision.
///
/// Dropping it ends the tool as [`SupervisedProcess::stop`] does, without anybody to hear the report.
#[derive(Debug)]
pub struct SupervisedProcess {
    /// Its standard input, where it was asked for. Dropping it is the input's end.
    pub stdin: Option<Sender>,
    /// Its standard output. It must be read, or the tool waits.
    pub stdout: Option<Receiver>,
    launch: Launch,
    supervisor: Child,
    /// When the supervisor has to end the tool, where that is limited.
    deadline: Option<Instant>,
    was_told: AtomicBool,
    messages: Lines<BufReader<UnixStream>>,
    control: BlockingStream,
    abandoned: OrphanCleanup,
    report: Option<Report>,
    /// What is done where the supervisor is lost. A task: who waits for it may be interrupted.
    ending: Option<JoinHandle<Report>>,
    /// Passes on each renewal of the leave; ends with this.
    _renewals: JoinSet<()>,
}

impl SupervisedProcess {
    /// The tool's process id, which is also its group's and session's; 0 where its supervisor was killed before it had
    /// said it.
    pub fn process(&self) -> u32 {
        self.abandoned.tool.unwrap_or_default()
    }

    /// What was set up before its first instruction: the sandbox, and what could not be had.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Tells everything to end: SIGTERM, the limits' grace, SIGKILL. Returns at once; [`SupervisedProcess::wait`] says
    /// what became of it.
    pub fn stop(&self) {
        self.send(&format!("{STOP}\n"));
    }

    /// As [`SupervisedProcess::stop`], with at most so much of the grace.
    pub fn stop_within(&self, grace: Duration) {
        self.send(&format!("{STOP} {}\n", grace.as_millis()));
    }

    /// A dozen bytes always fit, and if the supervisor is gone `wait` says so.
    fn send(&self, line: &str) {
        self.was_told.store(true, SeqCst);
        let _ = (&self.control).write_all(line.as_bytes());
    }

    /// Waits until nothing of it runs any more, by itself or because it was told, and says what became of it. A
    /// supervisor that is halted when it has to end the tool is ended itself, and then what it watched. Can be dropped
    /// and called again.
    pub async fn wait(&mut self) -> Report {
        while self.report.is_none() {
            let halted = stopped_past_deadline(self.supervisor.id(), self.is_due_at());
            tokio::select! {
                biased;
                message = next_message(&mut self.messages) => match message {
                    Some(Message::Ended(report)) => {
                        left_processes::note(&report.left_running);
                        self.report = Some(report);
                    }
                    Some(_) => {}
                    None => break,
                },
                () = halted => {
                    self.kill_supervisor(SupervisorLoss::Halted);
                    break;
                }
            }
        }
        let _reaped = self.supervisor.wait().await;
        self.end_abandoned().await
    }

    /// Ends the supervisor itself, where it does not answer, and then what it watched.
    pub async fn kill_and_wait(mut self) -> Report {
        self.kill_supervisor(SupervisorLoss::Silent);
        let _reaped = self.supervisor.wait().await;
        self.end_abandoned().await
    }

    /// When the supervisor has to end the tool, as far as anybody here knows.
    fn is_due_at(&self) -> Option<Instant> {
        match self.was_told.load(SeqCst) {
            true => Some(Instant::now()),
            false => self.deadline,
        }
    }

    fn kill_supervisor(&mut self, why: SupervisorLoss) {
        self.abandoned.lost = why;
        let _gone_already = self.supervisor.start_kill();
    }

    /// Where its supervisor did not live to say what became of it.
    async fn end_abandoned(&mut self) -> Report {
        if let Some(report) = &self.report {
            return report.clone();
        }
        let abandoned = self.abandoned.clone();
        let ending = self
            .ending
            .get_or_insert_with(|| spawn_blocking(|| abandoned.end()));
        let report = ending.await;
        let report = report.unwrap_or_else(|_panicked| self.abandoned.report());
        self.report.insert(report).clone()
    }
}
