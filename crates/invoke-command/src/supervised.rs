//! A tool under supervision, as dotwrap sees it.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    future::pending,
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt, net::UnixStream as BlockingStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use dotwrap_invoke::Leave;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        UnixStream,
        unix::pipe::{Receiver, Sender},
    },
    process::{Child, Command},
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::{Instant, sleep, sleep_until, timeout},
};
use uuid::Uuid;

use crate::{
    Limits, Sandbox,
    abandoned::{self, Abandoned, Lost},
    supervisor::{
        LEAVE, Launch, Message, Order, Process, Report, STOP, SUPERVISE, UNTOLD, clock, is_halted,
        this_executable,
    },
};

/// How long a supervisor may take to say that its tool runs, behind the tool's own time limit where that is shorter. A machine without
/// memory to spare needs some of it; a supervisor that its tool has halted would take for ever.
const STARTING: Duration = Duration::from_secs(30);
const BEHIND_LIMIT: Duration = Duration::from_secs(5);

/// A supervisor that has something to do and is halted at so many looks in a row does not do it: its tool halts it. One that is
/// merely slow is never halted, and one that a debugger halts for a moment is not at each look.
const LOOKS: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The variable by which processes are found whose supervisor was killed.
pub(crate) const MARK: &str = "DOT_SUPERVISION";

/// Starts tools under supervision.
#[derive(Clone, Debug)]
pub struct Supervisor {
    executable: PathBuf,
    adopts: bool,
    concealed: Vec<PathBuf>,
}

/// What is started, and how.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable file, absolute.
    pub path: PathBuf,
    /// Its own name, as it will see it.
    pub arg0: String,
    /// Its arguments, without its name.
    pub arguments: Vec<String>,
    /// Its environment; nothing else gets in, but for a mark by which its processes are found.
    pub environment: BTreeMap<String, String>,
    /// Its working folder.
    pub folder: PathBuf,
    /// The file that takes its standard error. Must not be there yet.
    pub stderr: PathBuf,
    /// What it may use.
    pub limits: Limits,
    /// Where it may write.
    pub sandbox: Sandbox,
    /// When it is ended, counted from its start.
    pub time_limit: Option<Duration>,
    /// Until when it has leave to go on, where somebody says so. It is ended then by its supervisor, even if the process that
    /// started it stands still and can not tell it to stop.
    pub leave: Option<Leave>,
}

/// A tool's standard input.
#[derive(Debug)]
pub enum Stdin {
    /// Ends at once.
    Nothing,
    /// This file.
    File(File),
    /// What is written to [`Supervised::stdin`].
    Piped,
}

/// A tool that did not start. Nothing of it runs, and nothing of it ever did.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotStarted(pub String);

/// A tool that runs under supervision.
///
/// Dropping it ends the tool as [`Supervised::stop`] does, without anybody to hear the report.
#[derive(Debug)]
pub struct Supervised {
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
    abandoned: Abandoned,
    report: Option<Report>,
    /// What is done where the supervisor is lost. A task: who waits for it may be interrupted.
    ending: Option<JoinHandle<Report>>,
    /// Passes on each renewal of the leave; ends with this.
    _renewals: JoinSet<()>,
}

impl Supervisor {
    /// The running program is the supervisor's too: its `main` calls [`run_if_asked`](crate::run_if_asked) first.
    pub fn of_this_program() -> Self {
        Self::with_executable(this_executable())
    }

    /// Another program is, whose `main` does that.
    pub fn with_executable(executable: impl Into<PathBuf>) -> Self {
        Self {
            executable: executable.into(),
            adopts: false,
            concealed: Vec::new(),
        }
    }

    /// Ends what a tool leaves that killed its supervisor, even if it left its session and its environment. For that this process becomes
    /// the one that adopts orphans, for good, and kills children that it did not start itself: those in another session, with
    /// `no_new_privs`, that are younger than the lost supervisor. So it is for programs whose children are all known.
    #[must_use]
    pub fn adopting(mut self) -> Self {
        self.adopts = true;
        self
    }

    /// Keeps a file, or all files of a folder, from being read by tools in a sandbox, and from being any tool's standard input: what is in
    /// there would let the tool into the ledger. Where that can not be had, the sandbox's report says so.
    #[must_use]
    pub fn concealing(mut self, place: impl Into<PathBuf>) -> Self {
        self.concealed.push(place.into());
        self
    }

    /// Whether this file, opened by this path, is one that [`Supervisor::concealing`] is about, under whatever name.
    pub(crate) fn conceals(&self, file: &File, path: &Path) -> io::Result<bool> {
        let opened = file.metadata()?;
        let path = path.canonicalize()?;
        let is_it = |place: &PathBuf| {
            let is_same =
                |named: Metadata| (named.dev(), named.ino()) == (opened.dev(), opened.ino());
            place.metadata().is_ok_and(is_same)
                || place
                    .canonicalize()
                    .is_ok_and(|place| path.starts_with(place))
        };
        Ok(self.concealed.iter().any(is_it))
    }

    /// Starts a tool.
    ///
    /// # Errors
    /// [`NotStarted`]; nothing is left running then.
    pub async fn start(&self, program: Program, stdin: Stdin) -> Result<Supervised, NotStarted> {
        let failed = |what: &str, error: io::Error| NotStarted(format!("{what}: {error}"));
        let pipes = Pipes::new(stdin).map_err(|error| failed("no pipe", error))?;
        let (near, far) = BlockingStream::pair().map_err(|error| failed("no socket", error))?;
        let adopts = self.adopts && abandoned::adopt();
        let mut supervisor = self
            .spawn(pipes.tool_stdin, pipes.tool_stdout, far)
            .map_err(|error| failed("the supervisor did not start", error))?;
        let began = Instant::now();
        let mark = Uuid::now_v7().to_string();
        let process = supervisor.id().and_then(Process::of);
        let since = process.map(|supervisor| supervisor.started);
        let time_limit = program.time_limit;
        let limit = time_limit.map(|limit| limit + BEHIND_LIMIT);
        let patience = limit.unwrap_or(STARTING).min(STARTING);
        let leave = program.leave.clone();
        let (control, mut stream) =
            both(near).map_err(|error| failed("no control channel", error))?;
        let order = line(order(program, &mark, &self.concealed))
            .map_err(|error| failed("no order", error))?;
        stream
            .write_all(&order)
            .await
            .map_err(|error| failed("the supervisor does not listen", error))?;
        let mut renewals = JoinSet::new();
        if let Some(leave) = leave {
            let control = control
                .try_clone()
                .map_err(|error| failed("no control channel", error))?;
            renewals.spawn(pass_on(leave, control));
        }
        let mut messages = BufReader::new(stream).lines();
        let (first, lost) = tokio::select! {
            biased;
            first = next_message(&mut messages) => (first, Lost::Killed),
            () = until_halted(supervisor.id()) => (None, Lost::Halted),
            () = sleep(patience) => (None, Lost::Silent),
        };
        let (tool, launch, report) = match first {
            Some(Message::Started { process, launch }) => (Some(process), launch, None),
            Some(Message::NotStarted { why }) => return Err(NotStarted(why)),
            // Somebody made it end before it had said that the tool runs.
            Some(Message::Ended(report)) => (Some(report.process), Launch::unknown(), Some(report)),
            None if lost == Lost::Killed && was_not_told_what(&mut supervisor).await => {
                return Err(NotStarted("the supervisor ended early".to_owned()));
            }
            None => {
                let _gone_already = supervisor.start_kill();
                (None, Launch::unknown(), None)
            }
        };
        Ok(Supervised {
            stdin: pipes.stdin,
            stdout: Some(pipes.stdout),
            abandoned: Abandoned {
                tool,
                mark,
                since,
                adopts,
                began,
                lost,
            },
            launch,
            supervisor,
            deadline: time_limit.and_then(|limit| began.checked_add(limit)),
            was_told: AtomicBool::new(false),
            messages,
            control,
            report,
            ending: None,
            _renewals: renewals,
        })
    }

    /// Its standard error is the control channel: the one of the three that the tool is given otherwise.
    fn spawn(&self, stdin: Stdio, stdout: Stdio, control: BlockingStream) -> io::Result<Child> {
        let mut command = std::process::Command::new(&self.executable);
        command
            .arg0("dotwrap-supervisor")
            .arg(SUPERVISE)
            .env_clear()
            .current_dir("/")
            .stdin(stdin)
            .stdout(stdout)
            .stderr(OwnedFd::from(control));
        Command::from(command).spawn()
    }
}

impl Supervised {
    /// The tool's process id, which is also its group's and session's; 0 where its supervisor was killed before it had said it.
    pub fn process(&self) -> u32 {
        self.abandoned.tool.unwrap_or_default()
    }

    /// What was set up before its first instruction: the sandbox, and what could not be had.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Tells everything to end: SIGTERM, the limits' grace, SIGKILL. Returns at once; [`Supervised::wait`] says what became
    /// of it.
    pub fn stop(&self) {
        self.tell(&format!("{STOP}\n"));
    }

    /// As [`Supervised::stop`], with at most so much of the grace.
    pub fn stop_within(&self, grace: Duration) {
        self.tell(&format!("{STOP} {}\n", grace.as_millis()));
    }

    /// A dozen bytes always fit, and if the supervisor is gone `wait` says so.
    fn tell(&self, line: &str) {
        self.was_told.store(true, SeqCst);
        let _ = (&self.control).write_all(line.as_bytes());
    }

    /// Waits until nothing of it runs any more, by itself or because it was told, and says what became of it. A supervisor that
    /// is halted when it has to end the tool is ended itself, and then what it watched. Can be dropped and called again.
    pub async fn wait(&mut self) -> Report {
        while self.report.is_none() {
            let halted = halted_when_due(self.supervisor.id(), self.is_due_at());
            tokio::select! {
                biased;
                message = next_message(&mut self.messages) => match message {
                    Some(Message::Ended(report)) => self.report = Some(report),
                    Some(_) => {}
                    None => break,
                },
                () = halted => {
                    self.give_up(Lost::Halted);
                    break;
                }
            }
        }
        let _reaped = self.supervisor.wait().await;
        self.end_abandoned().await
    }

    /// Ends the supervisor itself, where it does not answer, and then what it watched.
    pub async fn wait_no_longer(mut self) -> Report {
        self.give_up(Lost::Silent);
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

    fn give_up(&mut self, why: Lost) {
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

struct Pipes {
    stdin: Option<Sender>,
    stdout: Receiver,
    tool_stdin: Stdio,
    tool_stdout: Stdio,
}

impl Pipes {
    fn new(stdin: Stdin) -> io::Result<Self> {
        let (stdin, tool_stdin) = match stdin {
            Stdin::Nothing => (None, Stdio::null()),
            Stdin::File(file) => (None, Stdio::from(file)),
            Stdin::Piped => {
                let (far, near) = io::pipe()?;
                (Some(Sender::from_owned_fd(near.into())?), Stdio::from(far))
            }
        };
        let (near, far) = io::pipe()?;
        Ok(Self {
            stdin,
            stdout: Receiver::from_owned_fd(near.into())?,
            tool_stdin,
            tool_stdout: Stdio::from(far),
        })
    }
}

fn order(program: Program, mark: &str, concealed: &[PathBuf]) -> Order {
    let mut environment = program.environment;
    environment.insert(MARK.to_owned(), mark.to_owned());
    Order {
        program: program.path,
        arg0: program.arg0,
        arguments: program.arguments,
        environment,
        folder: program.folder,
        stderr: program.stderr,
        limits: program.limits,
        sandbox: program.sandbox,
        concealed: concealed.to_vec(),
        time_limit_ms: program
            .time_limit
            .map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        leave_until_ms: program
            .leave
            .and_then(|leave| leave.end())
            .map(on_the_clock),
    }
}

/// Whether it says itself that it could not even be told what to start. However else it ended, it may have started its tool.
async fn was_not_told_what(supervisor: &mut Child) -> bool {
    let ended = timeout(STARTING, supervisor.wait()).await;
    matches!(ended, Ok(Ok(status)) if status.code() == Some(UNTOLD.into()))
}

/// Waits until the supervisor is found halted though it has to end its tool; for ever, where it never has to.
async fn halted_when_due(supervisor: Option<u32>, due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
    until_halted(supervisor).await;
}

async fn until_halted(supervisor: Option<u32>) {
    let Some(supervisor) = supervisor else {
        return pending().await;
    };
    let mut looks = 0;
    while looks < LOOKS {
        sleep(BETWEEN_LOOKS).await;
        looks = if is_halted(supervisor) { looks + 1 } else { 0 };
    }
}

/// Tells the supervisor each new end of the tool's leave. If it is gone, somebody else notices.
async fn pass_on(mut leave: Leave, control: BlockingStream) {
    loop {
        let end = leave.next_end().await;
        let _ = (&control).write_all(format!("{LEAVE} {}\n", on_the_clock(end)).as_bytes());
    }
}

/// That time in milliseconds of the clock that supervisors read.
fn on_the_clock(time: Instant) -> u64 {
    let left = time.saturating_duration_since(Instant::now());
    u64::try_from((clock() + left).as_millis()).unwrap_or(u64::MAX)
}

fn line(order: Order) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&order)?;
    line.push(b'\n');
    Ok(line)
}

/// One end to write to from anywhere, and one to read from.
fn both(near: BlockingStream) -> io::Result<(BlockingStream, UnixStream)> {
    near.set_nonblocking(true)?;
    Ok((near.try_clone()?, UnixStream::from_std(near)?))
}

async fn next_message(messages: &mut Lines<BufReader<UnixStream>>) -> Option<Message> {
    while let Ok(Some(line)) = messages.next_line().await {
        if let Ok(message) = serde_json::from_str(&line) {
            return Some(message);
        }
    }
    None
}

impl Program {
    /// A program without arguments, environment or limits, that may write wherever its account may.
    pub fn new(path: impl Into<PathBuf>, folder: &Path, stderr: &Path) -> Self {
        let path = path.into();
        Self {
            arg0: path.to_string_lossy().into_owned(),
            path,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            folder: folder.to_owned(),
            stderr: stderr.to_owned(),
            limits: Limits::default(),
            sandbox: Sandbox::Unrestricted,
            time_limit: None,
            leave: None,
        }
    }
}
