//! What one call of `dotwrap` works with: its settings, its output, its messages, and the way to the ledger.

use std::path::PathBuf;
use std::time::Duration;

use dotwrap_contract::{InstallOptions, Plan, RolePolicy};
use dotwrap_embedded::Cluster;
use dotwrap_wrapper::{Actor, ConnectionTarget, Error, Wrapper};
use tokio_postgres::Client;

use crate::commands::ActorArgs;
use crate::configuration::{DatabaseChoice, Settings};
use crate::embedded;
use crate::failure::Failure;
use crate::output::{Messages, Output, Verbosity};

/// What a command does where the server has no connection slot left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotPolicy {
    /// It waits a moment.
    Usual,
    /// It begins runs, which may as well begin later.
    Patient,
    /// It is an operator's, for whom the embedded server keeps some.
    Reserve,
}

impl SlotPolicy {
    /// How long it waits.
    pub(crate) fn wait(self) -> Duration {
        Duration::from_secs(match self {
            Self::Usual | Self::Reserve => 5,
            Self::Patient => 60,
        })
    }
}

/// One call of `dotwrap`.
#[derive(Debug)]
pub(crate) struct Context {
    /// The settings, every layer applied.
    pub(crate) settings: Settings,
    /// Standard output.
    pub(crate) output: Output,
    /// Standard error.
    pub(crate) messages: Messages,
    /// What to do where the server has no connection slot left.
    pub(crate) slots: SlotPolicy,
    /// What went wrong where the command is carried out and its exit status is not 0. Its output says so; where nothing else is said, this is.
    pub(crate) failed: Option<Failure>,
}

/// A database to talk to, and for as long as this is held the right to use the embedded server, if it is that.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Where it is.
    pub(crate) target: ConnectionTarget,
    /// The embedded cluster, where no database is configured.
    pub(crate) cluster: Option<Cluster>,
    /// The same database by the operators' account, where the server has one.
    pub(crate) reserve: Option<ConnectionTarget>,
    /// Whether that account is used because the usual one finds no slot.
    pub(crate) is_reserve: bool,
}

impl Connection {
    /// Opens a connection. Where an operator's command finds no slot, it and what follows uses those that are kept for operators.
    pub(crate) async fn connect(&mut self, session: &Context) -> Result<Client, Failure> {
        let first = match dotwrap_wrapper::connect(&self.target).await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        if !matches!(first, Error::NoSlot { .. }) {
            return Err(first.into());
        }
        if session.slots == SlotPolicy::Reserve
            && let Some(reserve) = self.reserve.take()
        {
            self.target = reserve;
            self.is_reserve = true;
        }
        let wait = session.slots.wait();
        if session.slots == SlotPolicy::Patient {
            session.messages.note(format!(
                "{first}; waiting for a connection, {} s at most",
                wait.as_secs()
            ));
        }
        Ok(dotwrap_wrapper::connect_within(&self.target, wait).await?)
    }

    /// Says which files and folders let whoever reads them into this ledger, or into one of this account's own making: each time anew,
    /// whether they are there or not.
    pub(crate) fn secret_paths(&self, settings: &Settings) -> impl Fn() -> Vec<PathBuf> + use<> {
        let in_use = self
            .cluster
            .as_ref()
            .map(|cluster| cluster.folder().to_owned());
        // Elsewhere, where the path of the cluster's folder is too long for a socket.
        let socket = self
            .cluster
            .as_ref()
            .map(|cluster| cluster.socket_folder().to_owned());
        let files = self.target.secret_files().to_vec();
        let settings = settings.clone();
        move || {
            let mut places = embedded::secret_paths(&settings, in_use.clone());
            places.extend(socket.clone());
            places.extend_from_slice(&files);
            places.extend(settings.secret_files());
            places
        }
    }
}

/// The typed client of an installed contract.
#[derive(Debug)]
pub(crate) struct LedgerClient {
    wrapper: Wrapper,
    reached: Connection,
}

impl LedgerClient {
    /// As [`Connection::secret_paths`].
    pub(crate) fn ways_in(&self, settings: &Settings) -> impl Fn() -> Vec<PathBuf> + use<> {
        self.reached.secret_paths(settings)
    }
}

impl std::ops::Deref for LedgerClient {
    type Target = Wrapper;

    fn deref(&self) -> &Wrapper {
        &self.wrapper
    }
}

impl Context {
    pub(crate) fn new(settings: Settings, loudness: Verbosity) -> Self {
        let output = Output::new(settings.format, settings.colour);
        let messages = Messages::new(loudness, settings.format, settings.colour);
        Self {
            settings,
            output,
            messages,
            slots: SlotPolicy::Usual,
            failed: None,
        }
    }

    /// Who acts: the command's own word, else the settings'.
    pub(crate) fn actor(&self, acting: ActorArgs) -> Actor {
        Actor::new(acting.actor.unwrap_or_else(|| self.settings.actor.clone()))
    }

    /// Finds the database, starting the embedded one where none is configured. Nothing is installed.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        reach(&self.settings, self.messages).await
    }

    /// The ledger. In the embedded database the contract is installed on the way; in a configured one it has to be there.
    pub(crate) async fn ledger(&self) -> Result<LedgerClient, Failure> {
        let mut reached = self.connect().await?;
        if reached.cluster.is_some() {
            let client = reached.connect(self).await?;
            // What the operators' account would create would be its own.
            if !reached.is_reserve {
                let target = &reached.target;
                embedded::install_on_first_use(client, target, &self.settings, self.messages)
                    .await?;
            }
        }
        self.ledger_of(reached).await
    }

    /// The client of a database whose contract is known to be there, or is about to be found missing.
    pub(crate) async fn ledger_of(&self, reached: Connection) -> Result<LedgerClient, Failure> {
        let wrapper = Wrapper::builder()
            .target(reached.target.clone())
            .schema(self.settings.schema.clone())
            .actor(self.settings.actor.clone())
            .slot_wait(self.slots.wait())
            .build()
            .await?;
        Ok(LedgerClient { wrapper, reached })
    }
}

/// Finds the database of these settings.
pub(crate) async fn reach(settings: &Settings, messages: Messages) -> Result<Connection, Failure> {
    match &settings.database {
        DatabaseChoice::Configured(url) => {
            let target =
                ConnectionTarget::parse(url.reveal()).map_err(dotwrap_wrapper::Error::from)?;
            Ok(Connection {
                target: target.with_application_name("dotwrap"),
                cluster: None,
                reserve: None,
                is_reserve: false,
            })
        }
        DatabaseChoice::Embedded => embedded::start(settings, messages).await,
    }
}

/// Installs or upgrades the contract, and returns what was done.
pub(crate) async fn install(
    target: &ConnectionTarget,
    options: &InstallOptions,
) -> Result<Plan, Failure> {
    let client = dotwrap_wrapper::connect(&target).await?;
    Ok(dotwrap_contract::apply(&client, options).await?)
}

/// How to install with these settings.
pub(crate) fn install_options(settings: &Settings) -> InstallOptions {
    InstallOptions {
        schema: settings.schema.clone(),
        role_prefix: settings.role_prefix.clone(),
        roles: RolePolicy::WherePossible,
        ..InstallOptions::default()
    }
}
