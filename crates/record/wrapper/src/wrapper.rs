//! The wrapper, a handle to one installation of the contract, and its builder.

use std::{sync::Arc, time::Duration};

use crate::{
    database::{ConnectionTarget, Database, Settings},
    error::Error,
    types::Actor,
};

/// The default schema of an installation.
pub const DEFAULT_SCHEMA: &str = "dot";

/// The default `application_name` of a wrapper's sessions in `pg_stat_activity`.
const APPLICATION_NAME: &str = "dotwrap";

/// The default time limit of a call.
const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The default wait for a free connection of the pool.
const DEFAULT_POOL_WAIT: Duration = Duration::from_secs(30);

/// The default wait for a connection slot of the server.
const DEFAULT_SLOT_WAIT: Duration = Duration::from_secs(5);

/// The default maximum of a pool's connections.
const DEFAULT_CONNECTIONS: usize = 8;

/// A typed client of one installation of the contract. It can only record.
///
/// Cheap to clone, and every clone shares one pool of connections. It keeps no session state, so it
/// works through a transaction-mode pooler.
///
/// Dropping the future of a call asks the database to cancel it, but the call may have been committed by then. A call
/// with an idempotency key can be repeated.
#[derive(Clone)]
pub struct Wrapper {
    pub(crate) database: Database,
    pub(crate) defaults: Arc<CallDefaults>,
}

/// Defaults of all calls of a wrapper, apart from those of the database.
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
            .field("defaults", &self.defaults)
            .finish()
    }
}

impl Wrapper {
    /// Returns a builder.
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
        self.defaults.actor.as_ref()
    }

    /// The call's own actor, else the wrapper's. Without either the contract refuses the call (`actor_required`).
    pub(crate) fn actor_or_default<'a>(&'a self, given: Option<&'a Actor>) -> Option<&'a Actor> {
        given.or(self.actor())
    }
}

/// How often a call is repeated after its result was lost.
///
/// Only idempotent calls are repeated: reads; calls that set an entry of the registry or the end of a lease, although
/// the registry's history may then show a change twice; and recordings with an idempotency key, which return the first
/// result. A refused call is never repeated, not even for a held lease: the caller waits for that.
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

    /// Idempotent calls are attempted this often, with this pause before the second attempt. The pause doubles for each
    /// further attempt.
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

/// Builds a [`Wrapper`].
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
    /// The database; by default the one that the `PG…` environment variables name.
    pub fn target(mut self, target: ConnectionTarget) -> Self {
        self.target = Some(target);
        self
    }

    /// The schema of the contract; [`DEFAULT_SCHEMA`] by default.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// The actor of calls that name none.
    pub fn actor(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Whether a refused recording writes a row to `dot_refusal`, so that refusals can be counted and shown. On by
    /// default.
    pub fn record_refusals(mut self, on: bool) -> Self {
        self.record_refusals = on;
        self
    }

    /// The maximum of the pool's connections; 8 by default.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// The time limit after which a call is cancelled; 30 seconds by default, `None` for no limit.
    ///
    /// A preflight check is foreign code and may hang. A function cannot limit its own time, so the client does, by a
    /// cancellation, which is safe through a pooler. Direct connections can also set `statement_timeout` on the server:
    /// `?options=-c%20statement_timeout%3D30s` in the target.
    pub fn call_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.call_timeout = limit.into();
        self
    }

    /// How long to wait for a free connection of the pool; 30 seconds by default.
    pub fn pool_wait(mut self, limit: Duration) -> Self {
        self.pool_wait = limit;
        self
    }

    /// How long to wait for the server while it has no connection slot left for this login, or is still
    /// starting ([`Error::NoSlot`]); 5 seconds by default.
    pub fn slot_wait(mut self, limit: Duration) -> Self {
        self.slot_wait = limit;
        self
    }

    /// Keeps prepared statements on each connection: less work per call, one more round trip for the first call of a
    /// connection. Only for direct connections; most transaction-mode poolers lose them. Off by default.
    pub fn prepared_statements(mut self, on: bool) -> Self {
        self.prepared_statements = on;
        self
    }

    /// How often idempotent calls are repeated after their result was lost; [`Retry::never`] by default.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Connects once, so that an unreachable database is reported here and not by the first recording.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Target`] where the environment names no usable database.
    pub async fn build(self) -> Result<Wrapper, Error> {
        let wrapper = self.build_unconnected()?;
        wrapper.database.ping().await?;
        Ok(wrapper)
    }

    /// As `build`, without connecting: the first call connects.
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
        let defaults = CallDefaults {
            actor: self.actor,
            record_refusals: self.record_refusals,
        };
        Ok(Wrapper {
            database,
            defaults: Arc::new(defaults),
        })
    }
}
