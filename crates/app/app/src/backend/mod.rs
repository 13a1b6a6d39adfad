//! The database behind a front end: the configured one, or the embedded one with the contract installed on first use.

pub(crate) mod embedded;
mod gate_closing;

use std::{path::PathBuf, time::Duration};

use dotwrap_contract::{InstallOptions, Plan, RolePolicy};
use dotwrap_embedded::Cluster;
use dotwrap_wrapper::{ConnectionTarget, Error, Wrapper};
use tokio_postgres::Client;

pub use gate_closing::close_gate;

use crate::{
    Problem,
    settings::{DatabaseChoice, Settings},
};

/// What a command does where the server has no connection slot left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotPolicy {
    /// It waits a moment.
    Usual,
    /// It begins runs, which may as well begin later.
    Patient,
    /// It is an operator's, for whom the embedded server keeps some.
    Reserve,
}

impl SlotPolicy {
    /// How long it waits.
    pub fn wait(self) -> Duration {
        Duration::from_secs(match self {
            Self::Usual | Self::Reserve => 5,
            Self::Patient => 60,
        })
    }
}

/// Where a front end tells what it is doing. The command line writes it to standard error.
pub trait Notices: Sync {
    /// Something worth knowing.
    fn note(&self, text: &str);
}

/// The way to the ledger.
#[derive(Clone, Copy)]
pub struct Backend<'a> {
    /// Which database.
    pub settings: &'a Settings,
    /// What to do where the server has no connection slot left.
    pub slots: SlotPolicy,
    /// Where it tells that a server is started or a contract installed.
    pub notices: &'a dyn Notices,
}

impl Backend<'_> {
    /// Finds the database, and starts the embedded one where none is configured. Nothing is installed.
    ///
    /// # Errors
    /// The address cannot be used; the embedded server cannot be started, or its ledger was moved elsewhere.
    pub async fn reach(&self) -> Result<Connection, Problem> {
        match &self.settings.database {
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
            DatabaseChoice::Embedded => {
                embedded::refuse_moved(self.settings)?;
                embedded::start(self.settings, self.notices).await
            }
        }
    }

    /// The ledger. In the embedded database the contract is installed on first use; in a configured one it has to be
    /// there.
    ///
    /// # Errors
    /// As [`Backend::reach`]; the server takes no connection; the contract cannot be installed.
    pub async fn ledger(&self) -> Result<LedgerClient, Problem> {
        let mut reached = self.reach().await?;
        if reached.cluster.is_some() {
            let client = self.connect(&mut reached).await?;
            // What the operators' account would create would be its own.
            if !reached.is_reserve {
                let target = &reached.target;
                embedded::install_on_first_use(client, target, self.settings, self.notices).await?;
            }
        }
        self.ledger_of(reached).await
    }

    /// The client of a database whose contract is known to be there, or is about to be found missing.
    ///
    /// # Errors
    /// As [`Builder::build`](dotwrap_wrapper::Builder::build).
    pub async fn ledger_of(&self, reached: Connection) -> Result<LedgerClient, Problem> {
        let wrapper = Wrapper::builder()
            .target(reached.target.clone())
            .schema(self.settings.schema.clone())
            .actor(self.settings.actor.clone())
            .slot_wait(self.slots.wait())
            .build()
            .await?;
        Ok(LedgerClient { wrapper, reached })
    }

    /// Opens a connection. Where an operator's command finds no slot, it and what follows uses those that are kept for
    /// operators.
    ///
    /// # Errors
    /// The server cannot be reached, or has no slot within the time of [`SlotPolicy::wait`].
    pub async fn connect(&self, reached: &mut Connection) -> Result<Client, Problem> {
        let first = match dotwrap_wrapper::connect(&reached.target).await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        if !matches!(first, Error::NoSlot { .. }) {
            return Err(first.into());
        }
        if self.slots == SlotPolicy::Reserve
            && let Some(reserve) = reached.reserve.take()
        {
            reached.target = reserve;
            reached.is_reserve = true;
        }
        let wait = self.slots.wait();
        if self.slots == SlotPolicy::Patient {
            self.notices.note(&format!(
                "{first}; waiting for a connection, {} s at most",
                wait.as_secs()
            ));
        }
        Ok(dotwrap_wrapper::connect_within(&reached.target, wait).await?)
    }
}

/// A database to talk to, and for as long as this is held the right to use the embedded server, if it is that.
#[derive(Debug)]
pub struct Connection {
    /// Where it is.
    pub target: ConnectionTarget,
    /// The embedded cluster, where no database is configured.
    pub cluster: Option<Cluster>,
    /// The same database by the operators' account, where the server has one.
    pub reserve: Option<ConnectionTarget>,
    /// Whether that account is used because the usual one finds no slot.
    pub is_reserve: bool,
}

impl Connection {
    /// Returns the files and folders whose reader gets into this ledger, or into one of this account's own. Each call
    /// looks again; they need not exist.
    pub fn secret_paths(&self, settings: &Settings) -> impl Fn() -> Vec<PathBuf> + use<> {
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
pub struct LedgerClient {
    wrapper: Wrapper,
    reached: Connection,
}

impl LedgerClient {
    /// As [`Connection::secret_paths`].
    pub fn secret_paths(&self, settings: &Settings) -> impl Fn() -> Vec<PathBuf> + use<> {
        self.reached.secret_paths(settings)
    }
}

impl std::ops::Deref for LedgerClient {
    type Target = Wrapper;

    fn deref(&self) -> &Wrapper {
        &self.wrapper
    }
}

/// Installs or upgrades the contract, and returns what was done.
///
/// # Errors
/// The database cannot be reached, or refuses the installation.
pub async fn install(target: &ConnectionTarget, options: &InstallOptions) -> Result<Plan, Problem> {
    let client = dotwrap_wrapper::connect(target).await?;
    Ok(dotwrap_contract::apply(&client, options).await?)
}

/// How to install with these settings.
pub fn install_options(settings: &Settings) -> InstallOptions {
    InstallOptions {
        schema: settings.schema.clone(),
        role_prefix: settings.role_prefix.clone(),
        roles: RolePolicy::WherePossible,
        ..InstallOptions::default()
    }
}
