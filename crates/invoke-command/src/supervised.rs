//! A tool under supervision, as dotwrap sees it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream as BlockingStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::Stdio,
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
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{
    Limits, Sandbox,
    abandoned::{self, Abandoned},
    supervisor::{
        LEAVE, Launch, Message, Order, Process, Report, STOP, SUPERVISE, UNTOLD, Why, clock,
        this_executable,
    },
};

/// How long a supervisor may take to say that its tool runs, behind the tool's own time limit where that is shorter. A machine without
/// memory to spare needs some of it; a supervisor that its tool has halted would take for ever.
const STARTING: Duration = Duration::from_secs(30);
const BEHIND_LIMIT: Duration = Duration::from_secs(5);

/// The variable by which processes are found whose supervisor was killed.
pub(crate) const MARK: &str = "DOT_SUPERVISION";

/// Starts tools under supervision.
#[derive(Clone, Debug)]
pub struct Supervisor {
    executable: PathBuf,
    adopts: bool,
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
        let mark = Uuid::now_v7().to_string();
        let process = supervisor.id().and_then(Process::of);
        let since = process.map(|supervisor| supervisor.started);
        let limit = program.time_limit.map(|limit| limit + BEHIND_LIMIT);
        let patience = limit.unwrap_or(STARTING).min(STARTING);
        let leave = program.leave.clone();
        let (control, mut stream) =
            both(near).map_err(|error| failed("no control channel", error))?;
        let order = line(order(program, &mark)).map_err(|error| failed("no order", error))?;
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
        let (tool, launch, report) = match timeout(patience, next_message(&mut messages)).await {
            Ok(Some(Message::Started { process, launch })) => (Some(process), launch, None),
            Ok(Some(Message::NotStarted { why })) => return Err(NotStarted(why)),
            // Somebody made it end before it had said that the tool runs.
            Ok(Some(Message::Ended(report))) => {
                (Some(report.process), Launch::unknown(), Some(report))
            }
            Ok(None) if was_not_told_what(&mut supervisor).await => {
                return Err(NotStarted("the supervisor ended early".to_owned()));
            }
            Ok(None) | Err(_) => {
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
            },
            launch,
            supervisor,
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
        self.say(&format!("{STOP}\n"));
    }

    /// As [`Supervised::stop`], with at most so much of the grace.
    pub fn stop_within(&self, grace: Duration) {
        self.say(&format!("{STOP} {}\n", grace.as_millis()));
    }

    /// A dozen bytes always fit, and if the supervisor is gone `wait` says so.
    fn say(&self, line: &str) {
        let _ = (&self.control).write_all(line.as_bytes());
    }

    /// Waits until nothing of it runs any more, by itself or because it was told, and says what became of it. Can be dropped
    /// and called again.
    pub async fn wait(&mut self) -> Report {
        while self.report.is_none() {
            match next_message(&mut self.messages).await {
                Some(Message::Ended(report)) => self.report = Some(report),
                Some(_) => {}
                None => break,
            }
        }
        let _reaped = self.supervisor.wait().await;
        self.end_abandoned().await
    }

    /// Ends the supervisor itself, where it does not answer, and then what it watched.
    pub async fn wait_no_longer(mut self) -> Report {
        let _gone_already = self.supervisor.start_kill();
        let _reaped = self.supervisor.wait().await;
        self.end_abandoned().await
    }

    /// Where its supervisor did not live to say what became of it.
    async fn end_abandoned(&mut self) -> Report {
        if let Some(report) = &self.report {
            return report.clone();
        }
        let abandoned = self.abandoned.clone();
        let ending = self
            .ending
            .get_or_insert_with(|| tokio::spawn(abandoned.end()));
        let report = ending.await;
        let report = report.unwrap_or_else(|_panicked| Report::of_lost_supervisor(self.process()));
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

fn order(program: Program, mark: &str) -> Order {
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

impl Report {
    /// What is known of a tool whose supervisor was killed.
    pub(crate) fn of_lost_supervisor(process: u32) -> Self {
        Self {
            process,
            status: None,
            why: Why::SupervisorLost,
            told: Vec::new(),
            ended: Vec::new(),
            leftover: Vec::new(),
            survived: Vec::new(),
            stderr: crate::StderrKept::default(),
            usage: crate::Usage::default(),
            duration_ms: 0,
        }
    }
}
