//! The wrapper itself: one handle to one installation of the contract, and how it is built.

use std::{sync::Arc, time::Duration};

use crate::{
    database::{ConnectionTarget, Database, Settings},
    error::Error,
    types::Actor,
};

/// The schema that an installation uses unless it was told another.
pub const DEFAULT_SCHEMA: &str = "dot";

/// How a wrapper's sessions show in `pg_stat_activity` unless the target says otherwise.
const APPLICATION_NAME: &str = "dotwrap";

/// How long a call may take unless something else was said.
const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait for a free connection of the pool unless something else was said.
const DEFAULT_POOL_WAIT: Duration = Duration::from_secs(30);

/// How long to wait for a connection slot of the server unless something else was said.
const DEFAULT_SLOT_WAIT: Duration = Duration::from_secs(5);

/// How many connections a pool opens at most unless something else was said.
const DEFAULT_CONNECTIONS: usize = 8;

/// A typed client of one installation of the contract. It can only record.
///
/// Cheap to clone, and every clone shares one pool of connections. It keeps no session state, so it
/// works through a transaction-mode pooler.
///
/// Dropping the future of a call asks the database to cancel it, but it may have been carried out by
/// then. A call that bears an idempotency key can simply be made again.
#[derive(Clone)]
pub struct Wrapper {
    pub(crate) database: Database,
    pub(crate) manners: Arc<CallDefaults>,
}

/// What holds for all calls of a wrapper and is not the database's.
#[derive(Debug)]
pub(crate) struct CallDefaults {
    pub(crate) actor: Option<Actor>,
    pub(crate) record_refusals: bool,
}

impl std::fmt::Debug for Wrapper {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Wrapper")
            .field("target", self.database.target())
            .field("schema", &self.schema())
            .field("manners", &self.manners)
            .finish()
    }
}

impl Wrapper {
    /// Begins to describe a wrapper.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The database it records in.
    pub fn target(&self) -> &ConnectionTarget {
        self.database.target()
    }

    /// The schema that holds the contract.
    pub fn schema(&self) -> &str {
        self.database.schema()
    }

    /// The actor of calls that name none.
    pub fn actor(&self) -> Option<&Actor> {
        self.manners.actor.as_ref()
    }

    /// The call's own actor, else the wrapper's. Without either the contract refuses
    /// (`actor_required`): nobody is made up here.
    pub(crate) fn actor_or_default<'a>(&'a self, given: Option<&'a Actor>) -> Option<&'a Actor> {
        given.or(self.actor())
    }
}

/// How often a call is made again when its answer was lost.
///
/// Only calls that a repetition cannot harm are repeated: those that read; those that say what an entry of the
/// registry, or a lease's end, is to be, though a registry's history may then name a change twice; and recordings
/// that bear an idempotency key, which return the first one's answer. Whatever is refused is never repeated, a
/// held lease included: that is for the caller to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    attempts: u32,
    pause: Duration,
}

impl Retry {
    /// No call is repeated. This is the default.
    pub const fn never() -> Self {
        Self {
            attempts: 1,
            pause: Duration::ZERO,
        }
    }

    /// Harmless calls are tried this often in all, with this pause before the second try and twice the
    /// one before for each further.
    pub const fn idempotent_calls(attempts: u32, pause: Duration) -> Self {
        Self { attempts, pause }
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn pause_after(&self, failed: u32) -> Duration {
        let doublings = failed.saturating_sub(1).min(16);
        self.pause.saturating_mul(1 << doublings)
    }
}

/// Describes a [`Wrapper`].
#[derive(Clone, Debug)]
#[must_use = "nothing is connected before `build`"]
pub struct Builder {
    target: Option<ConnectionTarget>,
    schema: String,
    actor: Option<Actor>,
    record_refusals: bool,
    connections: usize,
    call_timeout: Option<Duration>,
    pool_wait: Duration,
    slot_wait: Duration,
    prepared_statements: bool,
    retry: Retry,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            target: None,
            schema: DEFAULT_SCHEMA.to_owned(),
            actor: None,
            record_refusals: true,
            connections: DEFAULT_CONNECTIONS,
            call_timeout: Some(DEFAULT_CALL_TIMEOUT),
            pool_wait: DEFAULT_POOL_WAIT,
            slot_wait: DEFAULT_SLOT_WAIT,
            prepared_statements: false,
            retry: Retry::never(),
        }
    }
}

impl Builder {
    /// The database. Without it, the one that the `PG…` environment variables name.
    pub fn target(mut self, target: ConnectionTarget) -> Self {
        self.target = Some(target);
        self
    }

    /// The schema that holds the contract; [`DEFAULT_SCHEMA`] unless said.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Who acts, for all calls that do not say it themselves.
    pub fn actor(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Whether a refused recording leaves a row in `dot_refusal`, so that refusals can be counted and
    /// shown. On unless said.
    pub fn record_refusals(mut self, on: bool) -> Self {
        self.record_refusals = on;
        self
    }

    /// How many connections the pool opens at most; 8 unless said.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// How long one call may take before it is cancelled; 30 seconds unless said, `None` for no limit.
    ///
    /// A preflight check is code that somebody registered, and it may hang; a function cannot limit its
    /// own time, so the caller does. The limit is kept on this side, by a cancellation, which is safe
    /// through a pooler. For direct connections a `statement_timeout` on the server can be had as well:
    /// `?options=-c%20statement_timeout%3D30s` in the target.
    pub fn call_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.call_timeout = limit.into();
        self
    }

    /// How long to wait for a free connection of the pool; 30 seconds unless said.
    pub fn pool_wait(mut self, limit: Duration) -> Self {
        self.pool_wait = limit;
        self
    }

    /// How long to wait for the server while it has no connection slot left for this login, or is still
    /// starting ([`Error::NoSlot`]); 5 seconds unless said.
    pub fn slot_wait(mut self, limit: Duration) -> Self {
        self.slot_wait = limit;
        self
    }

    /// Keeps prepared statements on each connection: less work a call, one round trip more for the
    /// first call of a connection. Only for direct connections; most transaction-mode poolers lose
    /// them. Off unless said.
    pub fn prepared_statements(mut self, on: bool) -> Self {
        self.prepared_statements = on;
        self
    }

    /// How often harmless calls are repeated when their answer was lost; [`Retry::never`] unless said.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Connects once, so that an unreachable database is met here and not in the first recording.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Target`] where the environment names no usable database.
    pub async fn build(self) -> Result<Wrapper, Error> {
        let wrapper = self.build_unconnected()?;
        wrapper.database.ping().await?;
        Ok(wrapper)
    }

    /// The same without connecting; the first call does.
    ///
    /// # Errors
    /// [`Error::Target`] where the environment names no usable database.
    pub fn build_unconnected(self) -> Result<Wrapper, Error> {
        let target = match self.target {
            Some(target) => target,
            None => ConnectionTarget::from_environment()?,
        }
        .with_application_name(APPLICATION_NAME);
        let database = Database::new(Settings {
            target,
            schema: self.schema,
            connections: self.connections,
            call_timeout: self.call_timeout,
            pool_wait: self.pool_wait,
            slot_wait: self.slot_wait,
            prepared_statements: self.prepared_statements,
            retry: self.retry,
        })?;
        let manners = CallDefaults {
            actor: self.actor,
            record_refusals: self.record_refusals,
        };
        Ok(Wrapper {
            database,
            manners: Arc::new(manners),
        })
    }
}
