//! Joins the running server, or starts one.
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::auth::{self, Passwords};
use crate::cluster::Origin;
use crate::cluster_dir::ClusterDir;
use crate::daemon::{self, DaemonArgs};
use crate::error::Error;
use crate::files;
use crate::lock::{Lock, LockTimeout, Mode};
use crate::postmaster::{self, Postmaster};
use crate::probe::{self, ProbeResult};
use crate::reserve;
use crate::restart;

/// How often the server is asked whether it is ready.
const PAUSE: Duration = Duration::from_millis(25);

/// How long a server may take until it is ready. A crash recovery comes first, and may have much to do.
pub(crate) const STARTING: Duration = Duration::from_secs(120);

/// How long a user waits for a server that is just being stopped.
pub(crate) const STOPPING: Duration = Duration::from_secs(90);

/// How long a server that lives may give no answer before it is restarted.
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(10);

/// How long passwords that the server does not take may be those from before: new ones are set in the server, then
/// written.
const NEW_PASSWORDS: Duration = Duration::from_secs(3);

/// How long the processes of a killed server may hold its lock.
const UNSEEN: Duration = Duration::from_secs(20);

/// How often a server that ends at once is started again: a killed one can leave things behind that take a moment to
/// go.
const ATTEMPTS: u32 = 3;

/// A server that answers, and the share in it that keeps it running.
pub(crate) struct Running {
    pub(crate) use_of_it: Lock,
    pub(crate) socket: PathBuf,
    pub(crate) passwords: Option<Passwords>,
    pub(crate) origin: Origin,
}

/// Takes a share of the users' lock: the keeper cannot stop the server while it is held.
pub(crate) async fn share(home: &ClusterDir) -> Result<Lock, Error> {
    Lock::acquire(&home.users_lock(), Mode::Shared, stopping()).await
}

fn stopping() -> LockTimeout {
    LockTimeout::of(STOPPING, "stopping")
}

/// Uses the running server, or starts it. The caller holds the start lock, so no other process does the same meanwhile.
pub(crate) async fn attach_or_start(order: &DaemonArgs) -> Result<Running, Error> {
    let home = &order.home;
    let mut starting = Starting::new(order, share(home).await?);
    loop {
        if Lock::is_held(&home.server_lock())? {
            starting.probe_running_server().await?;
        } else {
            starting.start_server()?;
        }
        if let Some((socket, passwords)) = starting.ready.take() {
            starting.wait_until_ready()?;
            restart::clear_killed(home);
            return Ok(Running {
                use_of_it: starting.use_of_it,
                socket,
                passwords,
                origin: starting.origin,
            });
        }
        if starting.begun.elapsed() > STARTING {
            return Err(starting.failed("it is not ready after two minutes"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is known while the server comes up.
struct Starting<'a> {
    order: &'a DaemonArgs,
    use_of_it: Lock,
    begun: Instant,
    silent_since: Instant,
    locked_since: Instant,
    unseen_since: Instant,
    keeper: Option<Child>,
    attempts: u32,
    has_new_passwords: bool,
    origin: Origin,
    ready: Option<(PathBuf, Option<Passwords>)>,
}

impl<'a> Starting<'a> {
    fn new(order: &'a DaemonArgs, use_of_it: Lock) -> Self {
        Self {
            order,
            use_of_it,
            begun: Instant::now(),
            silent_since: Instant::now(),
            locked_since: Instant::now(),
            unseen_since: Instant::now(),
            keeper: None,
            attempts: 0,
            has_new_passwords: false,
            origin: Origin::Attached,
            ready: None,
        }
    }

    /// Some process of a server lives. It answers, or will, or is the remains of a killed one.
    async fn probe_running_server(&mut self) -> Result<(), Error> {
        let home = &self.order.home;
        let running = Postmaster::running(&home.data());
        let Some((pid, socket)) = running.and_then(|server| Some((server.pid, server.socket?)))
        else {
            return self.is_not_elsewhere();
        };
        self.unseen_since = Instant::now();
        let passwords = Passwords::of(home)?;
        let answer = probe::ask(&probe::owner(&socket, passwords.as_ref())).await;
        if !matches!(answer, ProbeResult::Locked(_)) {
            self.locked_since = Instant::now();
        }
        match answer {
            ProbeResult::Ready => {
                let is_open = !auth::requires_password(home)?;
                let is_outdated = self.origin == Origin::Attached
                    && (is_open || postmaster::program_was_replaced(home));
                if is_outdated && self.restart_if_alone().await? {
                    return Ok(());
                }
                if is_open {
                    tracing::warn!(
                        "the embedded server asks nobody for a password until the older dotwrap that uses it has ended"
                    );
                }
                self.ready = Some((socket, passwords));
            }
            ProbeResult::NotYet(problem) => {
                tracing::debug!(problem, "the embedded server is not ready");
                self.silent_since = Instant::now();
            }
            ProbeResult::Silence(problem) => {
                tracing::debug!(problem, "the embedded server does not answer");
                // Unauthenticated sessions may use up its slots. A keeper ends them.
                self.wait_until_ready()?;
                if self.origin == Origin::Attached
                    && self.silent_since.elapsed() > UNRESPONSIVE_AFTER
                {
                    if !self.restart_if_alone().await? {
                        return Err(Error::Silent { pid, problem });
                    }
                    self.silent_since = Instant::now();
                }
            }
            // New passwords may be just about to be written.
            ProbeResult::Locked(_) if self.locked_since.elapsed() < NEW_PASSWORDS => return Ok(()),
            // The file was lost, or is that of other data.
            ProbeResult::Locked(problem) if self.has_new_passwords => {
                return Err(self.failed(&problem));
            }
            ProbeResult::Locked(_) => {
                if !self.restart_if_alone().await? {
                    return Err(Error::LockedOut {
                        path: self.order.home.passwords(),
                    });
                }
                auth::invalidate_passwords(&self.order.home)?;
                self.has_new_passwords = true;
                self.origin = Origin::Started;
            }
            ProbeResult::Broken(problem) if self.origin == Origin::Attached => {
                if !self.restart_if_alone().await? {
                    return Err(Error::UpgradedInUse { problem });
                }
                self.origin = Origin::Started;
            }
            ProbeResult::Broken(problem) => return Err(self.failed(&problem)),
        }
        Ok(())
    }

    /// A server that was just killed, or is about to start, has no visible process for a moment. One that is ready and
    /// stays invisible is in another process namespace.
    fn is_not_elsewhere(&self) -> Result<(), Error> {
        let home = &self.order.home;
        match Postmaster::read(&home.data()) {
            Some(server) if server.is_ready && self.unseen_since.elapsed() > UNSEEN => {
                Err(Error::RunsElsewhere {
                    lock: home.server_lock(),
                    pid: server.pid,
                })
            }
            _ => Ok(()),
        }
    }

    /// No process of a server lives: starts one, unless our keeper is about to.
    fn start_server(&mut self) -> Result<(), Error> {
        if let Some(keeper) = &mut self.keeper
            && matches!(keeper.try_wait(), Ok(None))
        {
            return Ok(());
        }
        // A keeper that lives starts a killed server again, or is just ending.
        if Lock::is_held(&self.order.home.keeper_lock())? {
            return Ok(());
        }
        if self.attempts == ATTEMPTS {
            return Err(self.failed("it ended at once"));
        }
        // Before anything is written.
        reserve::give_up_if_full(&self.order.home);
        if self.attempts == 0 {
            files::begin_log(&self.order.home.log())?;
        }
        self.attempts += 1;
        self.origin = Origin::Started;
        self.keeper = Some(self.order.spawn()?);
        Ok(())
    }

    /// Restarts the server if no other process uses it. No process can join meanwhile, because this one holds the start
    /// lock.
    async fn restart_if_alone(&mut self) -> Result<bool, Error> {
        let home = self.order.home.clone();
        let users = home.users_lock();
        let alone = self.use_of_it.try_upgrade_to_exclusive(&users)?;
        if alone {
            tracing::info!("restarting the embedded server");
            let stopped = tokio::task::spawn_blocking(move || daemon::stop(&home)).await;
            stopped.map_err(|error| self.failed(&error.to_string()))??;
        }
        self.use_of_it
            .downgrade_to_shared(&users, stopping())
            .await?;
        Ok(alone)
    }

    /// Ensures that a keeper will stop the server once it is unused.
    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let is_coming = match &mut self.keeper {
            Some(keeper) => matches!(keeper.try_wait(), Ok(None)),
            None => false,
        };
        if !is_coming && !Lock::is_held(&self.order.home.keeper_lock())? {
            self.keeper = Some(self.order.spawn()?);
        }
        Ok(())
    }

    fn failed(&self, problem: &str) -> Error {
        let log = self.order.home.log();
        Error::NotStarted {
            problem: problem.to_owned(),
            tail: files::tail(&log),
            log,
        }
    }
}
