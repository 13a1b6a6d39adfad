//! Starting a tool under supervision.

use std::{
    fmt, io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream as BlockingStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, Once, PoisonError, atomic::AtomicBool},
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use super::{
    Program, SpawnError, Stdin, SupervisedProcess,
    channel::{encode, forward_deadlines, join_messages, next_message, order},
    pipes::Pipes,
    stop_watch::until_stopped,
};
use crate::{
    SandboxProblem,
    cgroup::{self, Cgroup},
    left_processes,
    orphans::{self, OrphanCleanup, SupervisorLoss},
    supervisor::{
        EXIT_NO_START_MESSAGE, Launch, Message, Process, Refusal, SUPERVISE, sandbox_report,
        this_executable,
    },
};

/// How long a supervisor may take to say that its tool runs, behind the tool's own time limit where that is shorter. A
/// machine without memory to spare needs some of it; a supervisor that its tool has halted would take for ever.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const GRACE_AFTER_LIMIT: Duration = Duration::from_secs(5);

/// How long a sandbox that was found wanting is not tried again.
const PROBE_TTL: Duration = Duration::from_secs(30);

type LastAnswer = (Result<(), SandboxProblem>, Instant);

/// Starts tools under supervision.
#[derive(Clone, Debug)]
pub struct Supervisor {
    executable: PathBuf,
    adopts: bool,
    requires_sandbox: bool,
    concealed: Vec<HiddenPaths>,
    /// The last answer of a probe, and when it came. Clones share it.
    sandbox: Arc<Mutex<Option<LastAnswer>>>,
}

/// Says which places they are now.
#[derive(Clone)]
struct HiddenPaths(Arc<dyn Fn() -> Vec<PathBuf> + Send + Sync>);

impl fmt::Debug for HiddenPaths {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Places(…)")
    }
}

impl Supervisor {
    /// The running program is the supervisor's too: its `main` calls
    /// [`run_as_helper_process`](crate::run_as_helper_process) first.
    pub fn of_this_program() -> Self {
        Self::with_executable(this_executable())
    }

    /// Another program is, whose `main` does that.
    pub fn with_executable(executable: impl Into<PathBuf>) -> Self {
        Self {
            executable: executable.into(),
            adopts: false,
            requires_sandbox: false,
            concealed: Vec::new(),
            sandbox: Arc::default(),
        }
    }

    /// Ends what a tool leaves that killed its supervisor, even if it left its session and its environment. For that
    /// this process becomes the one that adopts orphans, for good, and kills children that it did not start itself:
    /// those in another session, with `no_new_privs`, that are younger than the lost supervisor. So it is for programs
    /// whose children are all known.
    #[must_use]
    pub fn as_subreaper(mut self) -> Self {
        self.adopts = true;
        self
    }

    /// Hides files, or all files of folders, from tools in a sandbox. They are no tool's standard input either. They
    /// hold passwords of the ledger. `places` is called before each tool is started; a relative path is relative to this
    /// process's working folder. If a path cannot be hidden, the sandbox's report names it. If a path exists and cannot
    /// be looked up, no tool is started in a sandbox.
    #[must_use]
    pub fn hiding_paths_dynamic(
        mut self,
        places: impl Fn() -> Vec<PathBuf> + Send + Sync + 'static,
    ) -> Self {
        self.concealed.push(HiddenPaths(Arc::new(places)));
        self
    }

    /// Starts nothing in an incomplete sandbox, whatever the program says. Without it, a tool is started where the
    /// system has no sandbox, and the report says so.
    #[must_use]
    pub fn requiring_sandbox(mut self, required: bool) -> Self {
        self.requires_sandbox = required;
        self
    }

    /// Tries the sandbox of a dry run in a process of its own, with the same steps as for a tool. A complete one is not
    /// tried again.
    ///
    /// # Errors
    /// What the sandbox lacks, or why no tool would be started in it. Remembered for some seconds: what cannot be
    /// tried in time costs that time.
    pub fn check_sandbox(&self) -> Result<(), SandboxProblem> {
        let mut last = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((answer, when)) = &*last
            && (answer.is_ok() || when.elapsed() < PROBE_TTL)
        {
            return answer.clone();
        }
        let answer = self.try_sandbox();
        *last = Some((answer.clone(), Instant::now()));
        answer
    }

    fn try_sandbox(&self) -> Result<(), SandboxProblem> {
        check_system().map_err(|why| SandboxProblem::Unusable(why.to_owned()))?;
        let report = sandbox_report(&self.executable, &self.concealed());
        let report = report.map_err(SandboxProblem::Unusable)?;
        match report.is_incomplete() {
            true => Err(SandboxProblem::Incomplete(report.shortcomings())),
            false => Ok(()),
        }
    }

    pub(crate) fn requires_sandbox(&self) -> bool {
        self.requires_sandbox
    }

    /// As [`Supervisor::hiding_paths_dynamic`], of one place.
    #[must_use]
    pub fn hiding_paths(self, place: impl Into<PathBuf>) -> Self {
        let place = place.into();
        self.hiding_paths_dynamic(move || vec![place.clone()])
    }

    /// The places that are kept from tools now. They are absolute: tools and their supervisors have other working folders.
    pub fn concealed(&self) -> Vec<PathBuf> {
        let all = self.concealed.iter().flat_map(|places| (places.0)());
        all.map(|place| std::path::absolute(&place).unwrap_or(place))
            .collect()
    }

    /// Starts a tool.
    ///
    /// # Errors
    /// [`SpawnError`]; nothing is left running then.
    pub async fn start(
        &self,
        mut program: Program,
        stdin: Stdin,
    ) -> Result<SupervisedProcess, SpawnError> {
        let failed = |what: &str, error: io::Error| SpawnError::other(format!("{what}: {error}"));
        let pipes = Pipes::new(&stdin).map_err(|error| failed("no pipe", error))?;
        let (near, far) = BlockingStream::pair().map_err(|error| failed("no socket", error))?;
        check_system().map_err(SpawnError::other)?;
        program.require_sandbox |= self.requires_sandbox;
        let adopts = self.adopts && orphans::become_subreaper();
        clean_up_once();
        left_processes::reap();
        let mut supervisor = self
            .spawn(pipes.tool_stdin, pipes.tool_stdout, far)
            .map_err(|error| failed("the supervisor did not start", error))?;
        let began = Instant::now();
        let id = Uuid::now_v7();
        let mark = id.to_string();
        let process = supervisor.id().and_then(Process::of);
        let cgroup = Cgroup::of(id);
        let since = process.map(|supervisor| supervisor.started);
        let time_limit = program.time_limit;
        let limit = time_limit.map(|limit| limit + GRACE_AFTER_LIMIT);
        let wait_limit = limit.unwrap_or(START_TIMEOUT).min(START_TIMEOUT);
        let leave = program.leave.clone();
        let (control, mut stream) =
            join_messages(near).map_err(|error| failed("no control channel", error))?;
        let stdin = match stdin {
            Stdin::File(path) => Some(path),
            Stdin::Nothing | Stdin::Piped => None,
        };
        let order = order(program, stdin, &mark, &self.concealed(), cgroup.clone());
        let order = encode(order).map_err(|error| failed("no order", error))?;
        stream
            .write_all(&order)
            .await
            .map_err(|error| failed("the supervisor does not listen", error))?;
        let mut renewals = JoinSet::new();
        if let Some(leave) = leave {
            let control = control
                .try_clone()
                .map_err(|error| failed("no control channel", error))?;
            renewals.spawn(forward_deadlines(leave, control));
        }
        let mut messages = BufReader::new(stream).lines();
        let (first, lost) = tokio::select! {
            biased;
            first = next_message(&mut messages) => (first, SupervisorLoss::Killed),
            () = until_stopped(supervisor.id()) => (None, SupervisorLoss::Halted),
            () = sleep(wait_limit) => (None, SupervisorLoss::Silent),
        };
        let (tool, launch, report) = match first {
            Some(Message::Started { process, launch }) => (Some(process), launch, None),
            Some(Message::NotStarted(Refusal { code, why })) => {
                return Err(SpawnError { code, why });
            }
            // Somebody made it end before it had said that the tool runs.
            Some(Message::Ended(report)) => (Some(report.process), Launch::unknown(), Some(report)),
            None if lost == SupervisorLoss::Killed
                && start_message_failed(&mut supervisor).await =>
            {
                return Err(SpawnError::other("the supervisor ended early"));
            }
            None => {
                let _gone_already = supervisor.start_kill();
                (None, Launch::unknown(), None)
            }
        };
        Ok(SupervisedProcess {
            stdin: pipes.stdin,
            stdout: Some(pipes.stdout),
            abandoned: OrphanCleanup {
                tool,
                mark,
                cgroup,
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

/// Whether this system has what every call needs.
///
/// # Errors
/// What it lacks, for people.
pub(crate) fn check_system() -> Result<(), &'static str> {
    let has_processes = Path::new("/proc/self/fd").exists();
    match has_processes || cfg!(not(target_os = "linux")) {
        true => Ok(()),
        false => Err(
            "there is no /proc, without which nothing can be called under supervision: mount it (`mount -t proc proc /proc`)",
        ),
    }
}

/// Whether it says itself that it could not even be told what to start. However else it ended, it may have started its
/// tool.
async fn start_message_failed(supervisor: &mut Child) -> bool {
    let ended = timeout(START_TIMEOUT, supervisor.wait()).await;
    matches!(ended, Ok(Ok(status)) if status.code() == Some(EXIT_NO_START_MESSAGE.into()))
}

/// What others have left here, who were killed, is ended by the first who calls something.
fn clean_up_once() {
    static CLEAN_UP: Once = Once::new();
    CLEAN_UP.call_once(|| {
        // Where there is no thread to be had, somebody else does it later.
        let _in_its_own_time = thread::Builder::new().spawn(cgroup::kill_unlocked_groups);
    });
}
