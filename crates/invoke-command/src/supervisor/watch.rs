//! The supervisor's life: start the tool, wait for whatever comes first, end everything, report.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{fs::OpenOptionsExt, net::UnixStream, process::CommandExt},
    },
    process::{Command, ExitCode, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use dotwrap_invoke::StopReason;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::{
        resource::{UsageWho, getrusage},
        signal::{SigSet, Signal},
        time::TimeValLike,
        wait::{WaitStatus, waitpid},
    },
};

use super::{
    Leftover, Report, Status, Usage, Why,
    descendants::{self, Process},
    descriptors,
    launch::Step,
    order::{LAUNCH, LEAVE, Launch, LaunchOrder, Message, Order, STOP, UNTOLD, clock},
    restrict,
    stderr::Drain,
};

/// How long the clock is not looked at where a leave may lapse: waiting takes no part in the machine's sleep.
const LOOKING: Duration = Duration::from_secs(1);

/// What a tool started may end a moment after it; that is no daemon.
const SETTLING: Duration = Duration::from_millis(100);

/// How often the processes are counted, where they are limited.
const COUNTING: Duration = Duration::from_millis(25);

/// How often SIGKILL is repeated for what was forked meanwhile, and for how long.
const KILLING: Duration = Duration::from_millis(10);
const KILLING_ENDS: Duration = Duration::from_secs(5);

/// How long the last of standard error is waited for when nobody of ours is left to write it.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How many entries a list of the report has at most: a tool can start any number.
const LISTED: usize = 32;

enum Event {
    Launched(Launch),
    NotLaunched(String),
    Ended(i32, Status),
    AllEnded,
    Told(Why),
    /// The longest grace.
    Hurry(Duration),
    /// Until when the tool has leave to go on, by [`clock`].
    Leave(Duration),
}

/// Does a supervisor's work. Standard input and output are the tool's; standard error is the control channel.
pub(super) fn supervise() -> ExitCode {
    descriptors::close_inherited(&[]);
    // In a session of its own, so that Ctrl-C reaches dotwrap alone, which then says what to do.
    let _ = nix::unistd::setsid();
    ask_for_precedence();
    let Ok(mut control) = take_control() else {
        return ExitCode::from(UNTOLD);
    };
    let Some(order) = read_order(&control) else {
        return ExitCode::from(UNTOLD);
    };
    let message = match Watch::start(&order, &control) {
        Ok(watch) => watch.until_the_end(&mut control),
        Err(error) => Message::NotStarted {
            why: error.to_string(),
        },
    };
    match say(&mut control, &message) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_nobody_listens) => ExitCode::FAILURE,
    }
}

/// Linux shares the processors out among sessions: a tool that makes a thousand of them would leave this one nothing to end them
/// with. Only root may ask for more; for others the kernel keeps `limits.processes`. The tool's session begins anew.
fn ask_for_precedence() {
    let _where_there_is_such_a_thing = std::fs::write("/proc/self/autogroup", "-20");
}

fn take_control() -> io::Result<UnixStream> {
    let control: OwnedFd = io::stderr().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stderr(OpenOptions::new().write(true).open("/dev/null")?)?;
    Ok(control.into())
}

/// Byte by byte, so that nothing behind the line is read along.
fn read_order(mut control: &UnixStream) -> Option<Order> {
    let mut line = Vec::new();
    BufReader::with_capacity(1, &mut control)
        .read_until(b'\n', &mut line)
        .ok()?;
    serde_json::from_slice(&line).ok()
}

fn say(control: &mut UnixStream, message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    control.write_all(&line)
}

struct Watch<'a> {
    order: &'a Order,
    events: Receiver<Event>,
    tool: i32,
    since: Instant,
    grace: Duration,
    leave: Option<Duration>,
    drain: Drain,
    missing: Vec<String>,
    status: Option<Status>,
    all_ended: bool,
    told: Vec<String>,
    ended: Vec<String>,
}

impl<'a> Watch<'a> {
    fn start(order: &'a Order, control: &UnixStream) -> io::Result<Self> {
        let missing = restrict::adopt_orphans().err();
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
        let tool = launch(order, stderr_end, status_end)?;
        forget_the_tool_s_files(&nothing);
        let drain = Drain::start(stderr, stderr_file, order.limits.stderr_bytes());
        in_thread(&sender, move |events| read_launch(status, events));
        in_thread(&sender, reap);
        in_thread(&sender, move |events| {
            let _ = signals.wait();
            let _ = events.send(Event::Told(Why::Told));
        });
        in_thread(&sender, move |events| listen(control, events));
        Ok(Self {
            order,
            events,
            tool,
            since: Instant::now(),
            grace: order.limits.grace(),
            leave: order.leave_until_ms.map(Duration::from_millis),
            drain,
            missing: missing.into_iter().collect(),
            status: None,
            all_ended: false,
            told: Vec::new(),
            ended: Vec::new(),
        })
    }

    fn until_the_end(mut self, control: &mut UnixStream) -> Message {
        let why = match self.run(control) {
            Ok(why) => why,
            Err(why) => {
                self.end_all();
                return Message::NotStarted { why };
            }
        };
        let leftover = self.leftover(why);
        match why {
            // Grace is time to become more.
            Why::TooManyProcesses => self.grace = Duration::ZERO,
            Why::Lapsed => self.grace = self.order.limits.grace_for(StopReason::LeaseLost),
            _ => {}
        }
        self.end_all();
        Message::Ended(self.report(why, leftover))
    }

    /// Waits until the tool runs, then for the first reason to end it.
    fn run(&mut self, control: &mut UnixStream) -> Result<Why, String> {
        let mut why = self.launched(control)?;
        while why.is_none() {
            why = self.next_reason();
        }
        Ok(why.unwrap_or(Why::ToolEnded))
    }

    /// A short-lived tool may have ended before the launcher's words are read; they come first all the same, or nobody would
    /// know that it ran at all.
    fn launched(&mut self, control: &mut UnixStream) -> Result<Option<Why>, String> {
        let mut reason = None;
        loop {
            match self.events.recv() {
                Ok(Event::Launched(mut launch)) => {
                    launch.not_enforced.append(&mut self.missing);
                    let process = self.tool.unsigned_abs();
                    return Ok(match say(control, &Message::Started { process, launch }) {
                        Ok(()) => reason,
                        Err(_nobody_listens) => Some(Why::Abandoned),
                    });
                }
                Ok(Event::NotLaunched(why)) => return Err(why),
                Ok(Event::Told(Why::Abandoned)) => return Ok(Some(Why::Abandoned)),
                Ok(event) => reason = reason.or(self.note(event)),
                Err(_) => return Err("nothing is known of the launcher".to_owned()),
            }
        }
    }

    fn next_reason(&mut self) -> Option<Why> {
        if self.left_of_leave().is_some_and(|left| left.is_zero()) {
            return Some(Why::Lapsed);
        }
        let Some(patience) = self.patience() else {
            return Some(Why::Deadline);
        };
        match self.events.recv_timeout(patience) {
            Ok(event) => self.note(event),
            Err(RecvTimeoutError::Timeout) if self.too_many() => Some(Why::TooManyProcesses),
            Err(_) => None,
        }
    }

    /// Keeps what an event says, and tells whether it is a reason to end.
    fn note(&mut self, event: Event) -> Option<Why> {
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
                (process == self.tool).then_some(Why::ToolEnded)
            }
            Event::AllEnded => {
                self.all_ended = true;
                Some(Why::ToolEnded)
            }
            Event::Launched(_) | Event::NotLaunched(_) => None,
        }
    }

    /// How long to wait for an event; nothing once the time is over.
    fn patience(&self) -> Option<Duration> {
        let left = match self.order.time_limit_ms {
            Some(limit) => Duration::from_millis(limit)
                .checked_sub(self.since.elapsed())
                .filter(|left| !left.is_zero())?,
            None => Duration::from_secs(3600),
        };
        let left = match self.left_of_leave() {
            Some(leave) => left.min(leave).min(LOOKING),
            None => left,
        };
        Some(match self.order.limits.processes {
            Some(_) => left.min(COUNTING),
            None => left,
        })
    }

    /// What is left of the tool's leave, less what ending it may take: when the lease is over, so is the tool.
    fn left_of_leave(&self) -> Option<Duration> {
        let grace = self.order.limits.grace_for(StopReason::LeaseLost);
        Some(self.leave?.saturating_sub(grace).saturating_sub(clock()))
    }

    fn too_many(&self) -> bool {
        let most = self.order.limits.processes;
        most.is_some_and(|most| descendants::running().len() as u64 > most)
    }

    /// What the tool left behind when it ended by itself.
    fn leftover(&mut self, why: Why) -> Vec<Process> {
        if why != Why::ToolEnded {
            return Vec::new();
        }
        self.wait_for_all(SETTLING);
        if self.all_ended {
            return Vec::new();
        }
        descendants::running()
    }

    /// SIGTERM, the grace, then SIGKILL until the kernel says that no child is left.
    fn end_all(&mut self) {
        if self.all_ended {
            return;
        }
        if !self.grace.is_zero() {
            self.tell(Signal::SIGTERM);
            // What is stopped does not hear it.
            descendants::signal(&descendants::running(), Signal::SIGCONT);
            self.wait_for_all(self.grace);
        }
        if self.all_ended {
            return;
        }
        self.tell(Signal::SIGKILL);
        let since = Instant::now();
        let mut pause = KILLING;
        while !self.all_ended && since.elapsed() < KILLING_ENDS {
            self.wait_for_all(pause);
            if !self.all_ended {
                let targets = self.targets();
                descendants::signal(&targets, Signal::SIGKILL);
                // Several that are still there multiply faster than they can be counted: no pause for them.
                pause = if targets.len() > 1 {
                    Duration::ZERO
                } else {
                    KILLING
                };
            }
        }
    }

    fn tell(&mut self, signal: Signal) {
        let targets = self.targets();
        let (group, others): (Vec<_>, Vec<_>) = targets
            .iter()
            .partition(|process| process.group == self.tool);
        if !group.is_empty() {
            self.told.push(format!(
                "{signal} to process group {} ({})",
                self.tool,
                counted(group.len())
            ));
        }
        if !others.is_empty() {
            let what = counted(others.len());
            self.told
                .push(format!("{signal} to {what} outside that group"));
        }
        descendants::signal(&targets, signal);
    }

    /// Everything that runs below; where the system does not show it, at least the tool.
    fn targets(&self) -> Vec<Process> {
        let mut targets = descendants::running();
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

    fn wait_for_all(&mut self, patience: Duration) {
        let since = Instant::now();
        while !self.all_ended {
            let left = patience.saturating_sub(since.elapsed());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    // It is ending already, whatever the reason.
                    let _ = self.note(event);
                }
                Err(_) => return,
            }
        }
    }

    fn note_end(&mut self, process: i32, status: Status) {
        if process == self.tool {
            self.status = Some(status);
        }
        if self.ended.len() < LISTED {
            self.ended.push(format!("process {process} {status}"));
        }
    }

    fn report(self, why: Why, leftover: Vec<Process>) -> Report {
        let survived = if self.all_ended {
            Vec::new()
        } else {
            descendants::running()
        };
        let listed = |processes: Vec<Process>| -> Vec<Leftover> {
            processes.iter().take(LISTED).map(Leftover::from).collect()
        };
        Report {
            process: self.tool.unsigned_abs(),
            status: self.status,
            why,
            told: self.told,
            ended: self.ended,
            leftover: listed(leftover),
            survived: listed(survived),
            not_enforced: Vec::new(),
            stderr: self.drain.counted(LAST_WORDS),
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

/// Starts the launcher with the tool's folder and files, and hands it the tool's environment.
fn launch(order: &Order, stderr: io::PipeWriter, status: io::PipeWriter) -> io::Result<i32> {
    // The one descriptor that the launcher inherits. No other thread starts anything here that could inherit it too.
    fcntl(&status, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let (environment, mut to_launcher) = io::pipe()?;
    fcntl(&environment, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let launch = LaunchOrder {
        status: status.as_raw_fd(),
        environment: environment.as_raw_fd(),
        supervisor: std::process::id(),
        limits: order.limits.clone(),
        sandbox: order.sandbox.clone(),
        concealed: order.concealed.clone(),
    };
    let variables = serde_json::to_vec(&order.environment)?;
    let launcher = Command::new(this_executable())
        .arg0("dotwrap-launcher")
        .arg(LAUNCH)
        .arg(serde_json::to_string(&launch)?)
        .arg(&order.program)
        .arg(&order.arg0)
        .args(&order.arguments)
        .env_clear()
        .current_dir(&order.folder)
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(stderr)
        .spawn()?;
    drop(environment);
    // A launcher that ended early is heard of elsewhere.
    let _ = to_launcher.write_all(&variables);
    Ok(launcher.id().cast_signed())
}

/// The file of the running program, even if an upgrade has replaced it meanwhile.
pub(crate) fn this_executable() -> std::path::PathBuf {
    let itself = std::path::Path::new("/proc/self/exe");
    match itself.exists() {
        true => itself.to_owned(),
        false => std::env::current_exe().unwrap_or_else(|_| itself.to_owned()),
    }
}

/// Whoever reads the tool's output sees its end when the tool's processes have ended, not when the supervisor has; where this
/// can not be done, no sooner than that.
fn forget_the_tool_s_files(nothing: &File) {
    let _ = nix::unistd::dup2_stdin(nothing);
    let _ = nix::unistd::dup2_stdout(nothing);
}

/// Whoever tells the supervisor to end means the tool as well. They are waited for in a thread.
fn block_signals() -> SigSet {
    let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect();
    let _ = signals.thread_block();
    signals
}

fn in_thread(events: &Sender<Event>, work: impl FnOnce(&Sender<Event>) + Send + 'static) {
    let events = events.clone();
    thread::spawn(move || work(&events));
}

/// What the launcher says until it has become the tool, which closes its end.
fn read_launch(mut status: io::PipeReader, events: &Sender<Event>) {
    let mut said = Vec::new();
    let _ = status.read_to_end(&mut said);
    let mut steps = said
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok());
    let event = match (steps.next(), steps.next()) {
        (Some(Step::Ready(launch)), None) => Event::Launched(launch),
        (_, Some(Step::Failed(why))) | (Some(Step::Failed(why)), _) => Event::NotLaunched(why),
        _ => Event::NotLaunched("the launcher ended early".to_owned()),
    };
    let _ = events.send(event);
}

/// Asks for every child that ends, adopted ones included, until the kernel says that there is none.
fn reap(events: &Sender<Event>) {
    loop {
        let event = match waitpid(None, None) {
            Ok(WaitStatus::Exited(process, status)) => {
                Event::Ended(process.as_raw(), Status::Exited(status))
            }
            Ok(WaitStatus::Signaled(process, signal, _)) => {
                Event::Ended(process.as_raw(), Status::Signalled(signal as i32))
            }
            Err(Errno::ECHILD) => {
                let _ = events.send(Event::AllEnded);
                return;
            }
            Ok(_) | Err(_) => continue,
        };
        if events.send(event).is_err() {
            return;
        }
    }
}

/// A line says until when the tool may go on, or is an order to stop; the end of the channel says that dotwrap is gone.
fn listen(control: UnixStream, events: &Sender<Event>) {
    let milliseconds = |line: &str, word: &str| {
        let number = line.strip_prefix(word)?.trim().parse().ok()?;
        Some(Duration::from_millis(number))
    };
    let lines = BufReader::new(File::from(OwnedFd::from(control))).lines();
    for line in lines.map_while(Result::ok) {
        if let Some(until) = milliseconds(&line, LEAVE) {
            let _ = events.send(Event::Leave(until));
            continue;
        }
        if let Some(grace) = milliseconds(&line, STOP) {
            let _ = events.send(Event::Hurry(grace));
        }
        let _ = events.send(Event::Told(Why::Told));
        return;
    }
    let _ = events.send(Event::Told(Why::Abandoned));
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
