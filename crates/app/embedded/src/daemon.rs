//! The keeper: a small process beside the server. It starts the server, and stops it after it was unused for a while.
//!
//! It is the program's own executable, started again with [`ARGUMENT`] in its own session, so that neither Ctrl-C nor a
//! `kill -9` of the first user stops the server. All users of the server hold `users.lock` in share mode; the kernel
//! releases a share however its process ends. If the keeper itself is killed, the server keeps running, and the next
//! `dotwrap` starts another keeper, which takes over the server. A killed server is restarted while it is in use. If
//! both are killed, a process that uses the server starts both (`restart.rs`).
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::account::Account;
use crate::auth;
use crate::cluster_dir::ClusterDir;
use crate::desk::Desk;
use crate::error::{self, Error};
use crate::files;
use crate::lock::{Lock, LockTimeout, Mode};
use crate::postmaster::{self, Postmaster};
use crate::reserve::{self, ReserveKeeper};
use crate::restart::Restarts;
use crate::socket;

/// The first argument of a keeper process.
const ARGUMENT: &str = "__embedded-keeper";

/// The interval at which the keeper checks the server, its users and the requests.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to wait for the locks of a keeper or server that is ending: the children of a killed server need a moment
/// to notice.
const HANDOVER: Duration = Duration::from_secs(20);

/// The time limits of a fast and then an immediate shutdown.
const STOPPING: [(Signal, Duration); 2] = [
    (Signal::SIGINT, Duration::from_secs(60)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
];

/// The arguments of a keeper.
#[derive(Clone, Debug)]
pub(crate) struct DaemonArgs {
    pub(crate) home: ClusterDir,
    pub(crate) binaries: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) linger: Duration,
    pub(crate) settings: Vec<(String, String)>,
}

/// Runs the keeper, if this process was started as one. Call it first in `main`.
///
/// Returns the exit status to end with, or nothing in a process that was started for anything else.
#[must_use]
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let Some(order) = DaemonArgs::from_arguments(arguments) else {
        eprintln!("dotwrap: {ARGUMENT} is for dotwrap's own use");
        return Some(ExitCode::from(2));
    };
    Some(match run(&order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dotwrap: {error}");
            ExitCode::FAILURE
        }
    })
}

impl DaemonArgs {
    /// Starts a keeper. Its output and the server's go to the log.
    pub(crate) fn spawn(&self) -> Result<Child, Error> {
        error::require_proc()?;
        let log = files::open_to_append(&self.home.log())?;
        let failed = |error: std::io::Error| Error::Program {
            program: "the server's keeper".to_owned(),
            status: error.to_string(),
            output: String::new(),
        };
        let output = log.try_clone().map_err(failed)?;
        Command::new(this_executable().map_err(failed)?)
            .arg0("dotwrap-keeper")
            .args(self.to_arguments())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log)
            .spawn()
            .map_err(failed)
    }

    fn to_arguments(&self) -> Vec<OsString> {
        let (uid, gid) = self.home.account().ids();
        let mut arguments: Vec<OsString> = vec![
            ARGUMENT.into(),
            self.home.folder().into(),
            self.binaries.clone().into(),
            self.socket.clone().into(),
            uid.to_string().into(),
            gid.to_string().into(),
            self.linger.as_millis().to_string().into(),
        ];
        let settings = self.settings.iter();
        arguments.extend(settings.map(|(name, value)| format!("{name}={value}").into()));
        arguments
    }

    fn from_arguments(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let folder = PathBuf::from(arguments.next()?);
        let binaries = PathBuf::from(arguments.next()?);
        let socket = PathBuf::from(arguments.next()?);
        let mut number = || arguments.next()?.to_str()?.parse::<u64>().ok();
        let (uid, gid): (u32, u32) = (number()?.try_into().ok()?, number()?.try_into().ok()?);
        let linger = Duration::from_millis(number()?);
        let settings = arguments.map(|setting| {
            let setting = setting.into_string().ok()?;
            let (name, value) = setting.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Some(Self {
            home: ClusterDir::prepared(folder, Account::from_ids(uid.to_string(), uid, gid)),
            binaries,
            socket,
            linger,
            settings: settings.collect::<Option<_>>()?,
        })
    }
}

/// The file of the running program, even if an upgrade has replaced it meanwhile.
fn this_executable() -> std::io::Result<PathBuf> {
    let itself = Path::new("/proc/self/exe");
    if itself.exists() {
        return Ok(itself.to_owned());
    }
    std::env::current_exe()
}

/// Starts the server or takes over the running one, and stops it when it has not been used for a while.
fn run(order: &DaemonArgs) -> Result<(), Error> {
    // With its own session no terminal signal reaches it. setsid fails for a process group leader, which does no harm.
    let _ = nix::unistd::setsid();
    let keeper = order.home.keeper_lock();
    let _keeper = Lock::wait(
        &keeper,
        Mode::Exclusive,
        LockTimeout::of(HANDOVER, "keeping"),
    )?;
    let server = Server::start_or_adopt(order)?;
    // Single-threaded: at the process limit no further thread can be created, and the keeper is needed most then.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Program {
            program: "the server's keeper".to_owned(),
            status: error.to_string(),
            output: String::new(),
        })?;
    runtime.block_on(watch(order, server))
}

/// Watches the server until it stops.
async fn watch(order: &DaemonArgs, mut server: Server) -> Result<(), Error> {
    let home = &order.home;
    let mut desk = Desk::default();
    let mut reserve = ReserveKeeper::default();
    let mut restarts = Restarts::new();
    let mut unused_since = None;
    let mut was_ready = false;
    loop {
        let state = server.state(home)?;
        was_ready = was_ready || postmaster::said_ready(home);
        // A server that never became ready is reported by its starter; the log has the cause.
        if state == State::Stopped || (state == State::Killed && !was_ready) {
            return Ok(());
        }
        match Lock::try_take(&home.users_lock(), Mode::Exclusive)? {
            None => unused_since = None,
            Some(_nobody_else) if state == State::Killed => return Ok(()),
            // The lock is held until the server is down: a new user waits, and then starts it again.
            Some(_nobody_else) => {
                let since = *unused_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= order.linger {
                    return stop(home);
                }
            }
        }
        if state == State::Killed {
            let Some(pause) = restarts.next() else {
                eprintln!("dotwrap: the server ends again and again; it is left alone");
                return Ok(());
            };
            eprintln!("dotwrap: the server was killed, and is started again for those who use it");
            reserve::give_up_if_full(home);
            tokio::time::sleep(pause).await;
            server = Server::start_or_adopt(order)?;
            continue;
        }
        if was_ready {
            reserve.attend(home);
        }
        desk.attend(home).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// The state of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Lives,
    /// It was stopped.
    Stopped,
    /// It was killed, or ended by itself.
    Killed,
}

/// The keeper's view of the server.
enum Server {
    /// A child of this keeper.
    Started(Child),
    /// A server whose keeper was killed.
    TakenOver,
}

impl Server {
    fn start_or_adopt(order: &DaemonArgs) -> Result<Self, Error> {
        let lock = order.home.server_lock();
        let wait_limit = LockTimeout::of(HANDOVER, "running");
        loop {
            if let Some(free) = Lock::try_take(&lock, Mode::Exclusive)? {
                return start(order, free).map(Self::Started);
            }
            // Held by a server that answers, or by the children of a killed one, which end soon.
            if Postmaster::running(&order.home.data()).is_some() {
                return Ok(Self::TakenOver);
            }
            wait_limit.check(&lock)?;
            std::thread::sleep(PAUSE);
        }
    }

    fn state(&mut self, home: &ClusterDir) -> Result<State, Error> {
        Ok(match self {
            // Asking also reaps it.
            Self::Started(child) => match child.try_wait() {
                Ok(None) => State::Lives,
                Ok(Some(status)) if status.success() => State::Stopped,
                _ => State::Killed,
            },
            Self::TakenOver if Lock::is_held(&home.server_lock())? => State::Lives,
            // A server that is stopped removes the file.
            Self::TakenOver if postmaster::left_its_file(home) => State::Killed,
            Self::TakenOver => State::Stopped,
        })
    }
}

/// Starts the server. It inherits the locked file as its standard input, and so do its children: the lock is released
/// when the last of them ended.
fn start(order: &DaemonArgs, lock: Lock) -> Result<Child, Error> {
    postmaster::remove_stale(&order.home, &order.socket)?;
    auth::enable_passwords(&order.home, &order.binaries)?;
    postmaster::note_program(&order.home, &order.binaries)?;
    let program = order.binaries.join("postgres");
    let mut command = order.home.account().command(&program);
    command.arg("-D").arg(order.home.data());
    let fixed = [
        ("listen_addresses", OsString::new()),
        ("port", socket::PORT.to_string().into()),
        ("unix_socket_directories", quoted(&order.socket)),
        ("unix_socket_permissions", "0700".into()),
        ("logging_collector", "off".into()),
        ("log_destination", "stderr".into()),
    ];
    let usual = [
        ("max_connections", auth::MAX_CONNECTIONS.to_string().into()),
        // A client that connects and never authenticates must not hold its slot for long.
        ("authentication_timeout", "10s".into()),
    ];
    let asked = order.settings.iter();
    let asked = asked.map(|(name, value)| (name.as_str(), OsString::from(value)));
    for (name, value) in usual.into_iter().chain(asked).chain(fixed) {
        let mut setting = OsString::from(name);
        setting.push("=");
        setting.push(value);
        command.arg("-c").arg(setting);
    }
    command
        .stdin(lock.into_file())
        .spawn()
        .map_err(|error| Error::Program {
            program: program.display().to_string(),
            status: error.to_string(),
            output: String::new(),
        })
}

/// The setting is a list: a folder with a space or comma in its name needs quotes.
fn quoted(folder: &Path) -> OsString {
    let mut value = vec![b'"'];
    for byte in folder.as_os_str().as_bytes() {
        if *byte == b'"' {
            value.push(b'"');
        }
        value.push(*byte);
    }
    value.push(b'"');
    OsStr::from_bytes(&value).to_owned()
}

/// Stops the server and waits until the last of its processes is gone.
pub(crate) fn stop(home: &ClusterDir) -> Result<(), Error> {
    let Some(server) = Postmaster::running(&home.data()) else {
        return Ok(());
    };
    for (signal, limit) in STOPPING {
        if !Lock::is_held(&home.server_lock())? {
            return Ok(());
        }
        server.signal(signal);
        let wait_limit = LockTimeout::of(limit, "stopping");
        match Lock::wait(&home.server_lock(), Mode::Exclusive, wait_limit) {
            Err(Error::Busy { .. }) => {}
            other => return other.map(drop),
        }
    }
    Err(Error::NotStopped { pid: server.pid })
}
