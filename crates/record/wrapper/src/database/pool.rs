//! The connection pool, and the only internal interface to call a function or read a view.

use std::{pin::Pin, sync::Arc, time::Duration};

use deadpool::managed::QueueMode;
use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Row};

use super::{
    Call, ConnectionTarget, Idempotency, ReadRow, Undecodable, Value,
    connect::timeout_error,
    kept::Kept,
    slot::SlotWait,
    statement::{InFlightStatement, StatementError},
};
use crate::{error::Error, refusal::RefusalCode, wrapper::Retry};

/// The settings of [`Builder`](crate::Builder).
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) target: ConnectionTarget,
    pub(crate) schema: String,
    pub(crate) connections: usize,
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) pool_wait: Duration,
    pub(crate) slot_wait: Duration,
    pub(crate) prepared_statements: bool,
    pub(crate) retry: Retry,
}

/// The database, shared by all clones of a wrapper.
#[derive(Clone)]
pub(crate) struct Database(Arc<Inner>);

struct Inner {
    pool: Pool,
    settings: Settings,
    quoted_schema: String,
    kept: Kept,
}

/// How long a new connection may take where the reserved one can be used instead: a lease renewal does not wait.
const KEPT_INSTEAD: Duration = Duration::from_secs(2);

/// Connects with the password that is valid at that time.
struct ConnectNow(ConnectionTarget);

impl Connect for ConnectNow {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<
        Box<
            dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>>
                + Send
                + '_,
        >,
    > {
        Box::pin(async move {
            let (client, connection) = super::connect::open_now(&self.0).await?;
            let driving = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of the pool ended");
                }
            });
            Ok((client, driving))
        })
    }
}

impl Database {
    /// Creates the pool; nothing is connected yet.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let manager = Manager::from_connect(
            settings.target.config().clone(),
            ConnectNow(settings.target.clone()),
            // No reset when a connection returns: through a pooler it would cost a round trip and reset the session of
            // another client.
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(settings.connections)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(settings.target.connect_limit()))
            .wait_timeout(Some(settings.pool_wait))
            .build()
            .map_err(|error| Error::Answer(error.to_string()))?;
        let quoted_schema = format!("\"{}\"", settings.schema.replace('"', "\"\""));
        Ok(Self(Arc::new(Inner {
            pool,
            settings,
            quoted_schema,
            kept: Kept::default(),
        })))
    }

    /// Takes a connection and returns it, in order to check that there is one.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.connection().await.map(drop)
    }

    pub(crate) fn target(&self) -> &ConnectionTarget {
        &self.0.settings.target
    }

    pub(crate) fn schema(&self) -> &str {
        &self.0.settings.schema
    }

    /// Calls a function and returns its rows.
    pub(crate) async fn rows<T: ReadRow>(&self, call: &Call) -> Result<Vec<T>, Error> {
        self.call(call).await?.iter().map(shown).collect()
    }

    /// Calls a function that returns one row.
    pub(crate) async fn row<T: ReadRow>(&self, call: &Call) -> Result<T, Error> {
        shown(single_row(&self.call(call).await?)?)
    }

    /// Calls a function that returns one value.
    pub(crate) async fn value<T>(&self, call: &Call) -> Result<T, Error>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let rows = self.call(call).await?;
        single_row(&rows)?.try_get(0).map_err(decode_error)
    }

    /// As [`Database::value`], in a READ COMMITTED transaction whatever the login's default is.
    pub(crate) async fn value_in_read_committed<T>(&self, call: &Call) -> Result<T, Error>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        call.refuse_nul()?;
        let settings = &self.0.settings;
        let statement = call.statement(&self.0.quoted_schema);
        let typed: Vec<_> = call
            .values()
            .map(|value| (value.as_sql(), value.sql_type()))
            .collect();
        let connection = match self.connection().await {
            Ok(connection) => connection,
            // A gate must close even with every slot in use: then with the isolation level of the reserved session.
            Err(error) if error.is_without_connection() && self.0.kept.client().is_some() => {
                return self.value_on_kept(call).await;
            }
            Err(error) => return Err(error),
        };
        let in_flight = InFlightStatement::on(connection, &settings.target);
        let answer = in_flight
            .run(
                async |connection: &Object| {
                    connection
                        .batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED")
                        .await?;
                    let rows = match connection.query_typed(&statement, &typed).await {
                        Ok(rows) => rows,
                        Err(error) => {
                            // The statement's error is the cause; a connection that cannot roll back is lost.
                            drop(connection.batch_execute("ROLLBACK").await);
                            return Err(error);
                        }
                    };
                    connection.batch_execute("COMMIT").await.map(|()| rows)
                },
                settings.call_timeout,
            )
            .await;
        let rows = answer.map_err(|error| self.error_of(error))?;
        single_row(&rows)?.try_get(0).map_err(decode_error)
    }

    /// Calls a function that returns a set of values.
    pub(crate) async fn values<T>(&self, call: &Call) -> Result<Vec<T>, Error>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let rows = self.call(call).await?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(decode_error))
            .collect()
    }

    /// Calls a function without a result.
    pub(crate) async fn execute(&self, call: &Call) -> Result<(), Error> {
        self.call(call).await.map(drop)
    }

    async fn call(&self, call: &Call) -> Result<Vec<Row>, Error> {
        call.refuse_nul()?;
        let statement = call.statement(&self.0.quoted_schema);
        let values: Vec<&Value> = call.values().collect();
        self.send_repeatedly(&statement, &values, call.repeat).await
    }

    /// Sends a statement, and repeats it where the caller enabled retries and the call is idempotent.
    pub(super) async fn send_repeatedly(
        &self,
        statement: &str,
        values: &[&Value],
        repeat: Idempotency,
    ) -> Result<Vec<Row>, Error> {
        let retry = &self.0.settings.retry;
        let mut failed = 0;
        loop {
            let error = match self.send(statement, values).await {
                Ok(rows) => return Ok(rows),
                Err(error) => error,
            };
            failed += 1;
            let again = repeat == Idempotency::Idempotent
                && failed < retry.attempts()
                && should_retry(&error);
            if !again {
                return Err(error);
            }
            tracing::debug!(%error, failed, "trying once more");
            tokio::time::sleep(retry.pause_after(failed)).await;
        }
    }

    pub(crate) fn quoted_schema(&self) -> &str {
        &self.0.quoted_schema
    }

    /// The reserved connection beside the pool.
    pub(crate) fn kept(&self) -> &Kept {
        &self.0.kept
    }

    /// Closes the pool's connections that were idle for this long.
    pub(crate) fn close_idle(&self, idle: Duration) {
        self.0.pool.retain(|_, metrics| metrics.last_used() < idle);
    }

    /// Calls a function with one value, on the reserved connection; as any other call where there is none.
    pub(crate) async fn value_on_kept<T>(&self, call: &Call) -> Result<T, Error>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let Some(client) = self.0.kept.client() else {
            return self.value(call).await;
        };
        call.refuse_nul()?;
        let statement = call.statement(&self.0.quoted_schema);
        let values: Vec<&Value> = call.values().collect();
        let rows = self.send_on_kept(&client, &statement, &values).await?;
        single_row(&rows)?.try_get(0).map_err(decode_error)
    }

    /// Sends a statement that only reads, on the reserved connection; as any other where there is none.
    pub(crate) async fn rows_on_kept(
        &self,
        statement: &str,
        values: &[Value],
    ) -> Result<Vec<Row>, Error> {
        let values: Vec<&Value> = values.iter().collect();
        match self.0.kept.client() {
            Some(client) => self.send_on_kept(&client, statement, &values).await,
            None => self.send(statement, &values).await,
        }
    }

    async fn send_on_kept(
        &self,
        client: &Client,
        statement: &str,
        values: &[&Value],
    ) -> Result<Vec<Row>, Error> {
        let settings = &self.0.settings;
        let (target, limit) = (&settings.target, settings.call_timeout);
        let sent = self.0.kept.send(client, statement, values, target, limit);
        sent.await?.map_err(|error| self.of_statement(error))
    }

    fn of_statement(&self, error: tokio_postgres::Error) -> Error {
        let settings = &self.0.settings;
        Error::of_statement(error, &settings.target.to_string(), &settings.schema)
    }

    /// Sends an unnamed statement with parse, bind, execute and sync in one message. That is one round trip on a new
    /// connection, and atomic for a pooler, which may switch servers between two messages.
    async fn send(&self, statement: &str, values: &[&Value]) -> Result<Vec<Row>, Error> {
        let settings = &self.0.settings;
        let connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => {
                // Nothing was sent yet, so another connection can be used.
                return match self.0.kept.client() {
                    Some(client) if error.is_without_connection() => {
                        self.send_on_kept(&client, statement, values).await
                    }
                    _ => Err(error),
                };
            }
        };
        let in_flight = InFlightStatement::on(connection, &settings.target);
        let answer = in_flight
            .run(
                async |connection: &Object| {
                    if settings.prepared_statements {
                        return send_prepared(connection, statement, values).await;
                    }
                    let typed: Vec<_> = values
                        .iter()
                        .map(|value| (value.as_sql(), value.sql_type()))
                        .collect();
                    connection.query_typed(statement, &typed).await
                },
                settings.call_timeout,
            )
            .await;
        answer.map_err(|error| self.error_of(error))
    }

    fn error_of(&self, error: StatementError) -> Error {
        let settings = &self.0.settings;
        match error {
            StatementError::Driver(error) => self.of_statement(error),
            StatementError::TimedOut { known_undone } => Error::TimedOut {
                limit: settings.call_timeout.unwrap_or_default(),
                known_undone,
            },
        }
    }

    /// Takes a connection of the pool. Waits for a slot of the server, unless the reserved connection can be used
    /// instead.
    async fn connection(&self) -> Result<Object, Error> {
        let mut waiting = SlotWait::of(self.0.settings.slot_wait);
        loop {
            match self.connection_now().await {
                Err(error) if self.0.kept.client().is_some() => return Err(error),
                Err(error) => waiting.pause(error).await?,
                connected => return connected,
            }
        }
    }

    async fn connection_now(&self) -> Result<Object, Error> {
        let settings = &self.0.settings;
        let mut limits = self.0.pool.timeouts();
        if self.0.kept.client().is_some() {
            limits.create = limits.create.map(|limit| limit.min(KEPT_INSTEAD));
        }
        let connection = self.0.pool.timeout_get(&limits).await;
        connection.map_err(|error| match error {
            PoolError::Backend(error) => Error::of_connection(&error, &settings.target.to_string()),
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => Error::PoolExhausted {
                waited: settings.pool_wait,
            },
            PoolError::Timeout(_) => timeout_error(&settings.target),
            other => Error::Answer(other.to_string()),
        })
    }
}

/// The option for direct connections: parsed once per connection, then bound by name.
async fn send_prepared(
    connection: &Object,
    statement: &str,
    values: &[&Value],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let types: Vec<_> = values.iter().map(|value| value.sql_type()).collect();
    let prepared = connection.prepare_typed_cached(statement, &types).await?;
    let parameters: Vec<_> = values.iter().map(|value| value.as_sql()).collect();
    connection.query(&prepared, &parameters).await
}

fn should_retry(error: &Error) -> bool {
    // A held lease is for the caller to wait for, not for the transport; a stale snapshot never becomes valid.
    error.is_transient()
        && error
            .refusal()
            .is_none_or(|refusal| refusal.code == RefusalCode::SnapshotTooOld)
}

pub(super) fn shown<T: ReadRow>(row: &Row) -> Result<T, Error> {
    T::read(row, Undecodable::Marked).map_err(decode_error)
}

fn single_row(rows: &[Row]) -> Result<&Row, Error> {
    rows.first()
        .ok_or_else(|| Error::Answer("no row came back".to_owned()))
}

pub(crate) fn decode_error(error: tokio_postgres::Error) -> Error {
    let cause = std::error::Error::source(&error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Error::Answer(format!("{error}{cause}"))
}
