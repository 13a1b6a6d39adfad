//! The supervisor's life: start the tool, wait for whatever comes first, end everything, report.

mod events;
mod left_running;
mod shutdown;
mod spawn;

use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::OpenOptionsExt, net::UnixStream},
    },
    process::ExitCode,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use self::events::{Event, block_signals, in_thread, listen, read_launch, reap};
use super::{
    EndReason, Status, descendants, descriptors,
    protocol::{EXIT_NO_START_MESSAGE, Message, NotStartedCode, Refusal, StartMessage, clock},
    restrict,
    stderr::StderrDrain,
};
use crate::{cgroup::CallCgroup, signals};

pub(crate) use self::spawn::this_executable;

/// How long the clock is not looked at where a leave may lapse: waiting takes no part in the machine's sleep.
const DEADLINE_POLL: Duration = Duration::from_secs(1);

/// How often the processes are counted, where they are limited.
const PROCESS_COUNT_POLL: Duration = Duration::from_millis(25);

/// Does a supervisor's work. Standard input and output are the tool's; standard error is the control channel.
pub(super) fn supervise() -> ExitCode {
    descriptors::close_inherited(&[]);
    signals::set_dispositions();
    // In a session of its own, so that Ctrl-C reaches dotwrap alone, which then says what to do.
    let _ = nix::unistd::setsid();
    raise_autogroup_priority();
    let Ok(mut control) = take_control() else {
        return ExitCode::from(EXIT_NO_START_MESSAGE);
    };
    let Some(order) = read_order(&control) else {
        return ExitCode::from(EXIT_NO_START_MESSAGE);
    };
    let message = match Supervisor::start(&order, &control) {
        Ok(watch) => watch.run_to_end(&mut control),
        Err(error) => Message::NotStarted(error.into()),
    };
    match send_report(&mut control, &message) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_nobody_listens) => ExitCode::FAILURE,
    }
}

/// Linux shares the processors out among sessions: a tool that makes a thousand of them would leave this one nothing to
/// end them with. Only root may ask for more; for others the kernel keeps `limits.processes`. The tool's session begins
/// anew.
fn raise_autogroup_priority() {
    let _where_there_is_such_a_thing = std::fs::write("/proc/self/autogroup", "-20");
}

fn take_control() -> io::Result<UnixStream> {
    let control: OwnedFd = io::stderr().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stderr(OpenOptions::new().write(true).open("/dev/null")?)?;
    Ok(control.into())
}

/// Reads the order and nothing behind it: its length, then as much.
fn read_order(mut control: &UnixStream) -> Option<StartMessage> {
    let mut length = [0; 4];
    control.read_exact(&mut length).ok()?;
    let length = u64::from(u32::from_be_bytes(length));
    let mut text = Vec::new();
    control.take(length).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn send_report(control: &mut UnixStream, message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    control.write_all(&line)
}

struct Supervisor<'a> {
    order: &'a StartMessage,
    events: Receiver<Event>,
    tool: i32,
    since: Instant,
    grace: Duration,
    leave: Option<Duration>,
    cgroup: Option<CallCgroup>,
    drain: StderrDrain,
    missing: Vec<String>,
    status: Option<Status>,
    all_ended: bool,
    /// What the tool may leave behind, once it has ended.
    spared: BTreeSet<i32>,
    signals_sent: Vec<String>,
    ended: Vec<String>,
    not_enforced: Vec<String>,
}

impl<'a> Supervisor<'a> {
    fn start(order: &'a StartMessage, control: &UnixStream) -> io::Result<Self> {
        let missing = restrict::set_subreaper().err();
        let (sender, events) = mpsc::channel();
        let signals = block_signals();
        let stderr_file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&order.stderr)?;
        let (stderr, stderr_end) = io::pipe()?;
        let (status, status_end) = io::pipe()?;
        // Whatever can fail comes before the launch: a tool that runs must not be said to have never started.
        let control = control.try_clone()?;
        let nothing = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        // Where there can be none, the tool's processes are found by their descent alone.
        let cgroup = order.cgroup.as_ref().and_then(|group| group.make().ok());
        // All threads are there before the tool is, which could use up what the account may have of them.
        let drain = StderrDrain::start(stderr, stderr_file, order.limits.stderr_bytes())?;
        let (tell_started, is_started) = mpsc::channel();
        in_thread(&sender, move |events| read_launch(status, events))?;
        in_thread(&sender, move |events| reap(&is_started, events))?;
        in_thread(&sender, move |events| {
            let _ = signals.wait();
            let _ = events.send(Event::Told(EndReason::Told));
        })?;
        in_thread(&sender, move |events| listen(control, events))?;
        let tool = spawn::launcher(
            order,
            cgroup.as_ref().map(CallCgroup::group),
            stderr_end,
            status_end,
        )?;
        let _it_waits = tell_started.send(());
        spawn::close_tool_stdio(&nothing);
        Ok(Self {
            order,
            events,
            tool,
            since: Instant::now(),
            grace: order.limits.grace(),
            leave: order.leave_until_ms.map(Duration::from_millis),
            cgroup,
            drain,
            missing: missing.into_iter().collect(),
            status: None,
            all_ended: false,
            spared: BTreeSet::new(),
            signals_sent: Vec::new(),
            ended: Vec::new(),
            not_enforced: Vec::new(),
        })
    }

    fn run_to_end(mut self, control: &mut UnixStream) -> Message {
        let why = match self.run(control) {
            Ok(why) => why,
            Err(why) => {
                self.end_all();
                return Message::NotStarted(why);
            }
        };
        let leftover = self.leftover(why);
        match why {
            // Grace is time to become more.
            EndReason::TooManyProcesses => self.grace = Duration::ZERO,
            EndReason::Lapsed => self.grace = self.order.limits.short_grace(),
            _ => {}
        }
        self.end_all();
        Message::Ended(self.report(why, leftover))
    }

    /// Waits until the tool runs, then for the first reason to end it.
    fn run(&mut self, control: &mut UnixStream) -> Result<EndReason, Refusal> {
        let mut why = self.launched(control)?;
        while why.is_none() {
            why = self.next_event();
        }
        Ok(why.unwrap_or(EndReason::ToolEnded))
    }

    /// A short-lived tool may have ended before the launcher's words are read; they come first all the same, or nobody
    /// would know that it ran at all.
    fn launched(&mut self, control: &mut UnixStream) -> Result<Option<EndReason>, Refusal> {
        let mut reason = None;
        loop {
            match self.events.recv() {
                Ok(Event::Launched(mut launch)) => {
                    launch.not_enforced.append(&mut self.missing);
                    let process = self.tool.unsigned_abs();
                    return Ok(
                        match send_report(control, &Message::Started { process, launch }) {
                            Ok(()) => reason,
                            Err(_nobody_listens) => Some(EndReason::Abandoned),
                        },
                    );
                }
                Ok(Event::NotLaunched(why)) => return Err(why),
                Ok(Event::Told(EndReason::Abandoned)) => return Ok(Some(EndReason::Abandoned)),
                Ok(event) => reason = reason.or(self.note(event)),
                Err(_) => {
                    let why = "nothing is known of the launcher";
                    return Err(Refusal::new(NotStartedCode::Other, why));
                }
            }
        }
    }

    fn next_event(&mut self) -> Option<EndReason> {
        if self.time_to_deadline().is_some_and(|left| left.is_zero()) {
            return Some(EndReason::Lapsed);
        }
        let Some(wait_limit) = self.poll_timeout() else {
            return Some(EndReason::Deadline);
        };
        match self.events.recv_timeout(wait_limit) {
            Ok(event) => self.note(event),
            Err(RecvTimeoutError::Timeout) if self.too_many() => Some(EndReason::TooManyProcesses),
            Err(_) => None,
        }
    }

    /// Keeps what an event says, and tells whether it is a reason to end.
    fn note(&mut self, event: Event) -> Option<EndReason> {
        match event {
            Event::Told(why) => Some(why),
            Event::Hurry(grace) => {
                self.grace = self.grace.min(grace);
                None
            }
            Event::Leave(until) => {
                self.leave = Some(until);
                None
            }
            Event::Ended(process, status) => {
                self.note_end(process, status);
                (process == self.tool).then_some(EndReason::ToolEnded)
            }
            Event::AllEnded => {
                self.all_ended = true;
                Some(EndReason::ToolEnded)
            }
            Event::Launched(_) | Event::NotLaunched(_) => None,
        }
    }

    /// How long to wait for an event; nothing once the time is over.
    fn poll_timeout(&self) -> Option<Duration> {
        let left = match self.order.time_limit_ms {
            Some(limit) => Duration::from_millis(limit)
                .checked_sub(self.since.elapsed())
                .filter(|left| !left.is_zero())?,
            None => Duration::from_secs(3600),
        };
        let left = match self.time_to_deadline() {
            Some(leave) => left.min(leave).min(DEADLINE_POLL),
            None => left,
        };
        Some(match self.order.limits.processes {
            Some(_) => left.min(PROCESS_COUNT_POLL),
            None => left,
        })
    }

    /// What is left of the tool's leave, less what ending it may take: when the lease is over, so is the tool.
    fn time_to_deadline(&self) -> Option<Duration> {
        let grace = self.order.limits.short_grace();
        Some(self.leave?.saturating_sub(grace).saturating_sub(clock()))
    }

    fn too_many(&self) -> bool {
        let most = self.order.limits.processes;
        most.is_some_and(|most| descendants::running().len() as u64 > most)
    }
}
