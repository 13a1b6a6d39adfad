//! One statement in flight: its timeout, and the state of its connection.

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use deadpool_postgres::Object;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::error::SqlState;

use super::ConnectionTarget;
use crate::error::is_connection_lost;

/// How long a cancellation may take to reach the database, and again to take effect there.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// The interval between cancellation requests.
const CANCELLATIONS: u32 = 3;

/// A pooled connection with a statement in flight. A connection whose statement did not return is not put back into the
/// pool: the next caller would wait for that statement, or receive the cancellation meant for it.
pub(crate) struct InFlightStatement<'a> {
    connection: Option<Object>,
    target: &'a ConnectionTarget,
}

/// Why a statement has no result.
pub(crate) enum StatementError {
    Driver(tokio_postgres::Error),
    TimedOut { known_undone: bool },
}

impl<'a> InFlightStatement<'a> {
    pub(crate) fn on(connection: Object, target: &'a ConnectionTarget) -> Self {
        Self {
            connection: Some(connection),
            target,
        }
    }

    /// Waits for the statement's result. After the limit, asks the database to cancel the statement and waits for that.
    ///
    /// The client enforces the limit, not `SET statement_timeout`: through a pooler the setting would stay on a session
    /// of another client, and poolers reject the startup option.
    pub(crate) async fn run<T>(
        mut self,
        statement: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>,
        limit: Option<Duration>,
    ) -> Result<T, StatementError> {
        let Some(connection) = &self.connection else {
            return Err(StatementError::TimedOut { known_undone: true });
        };
        let (answer, returned) = {
            let mut statement = pin!(statement(connection));
            match within(limit, statement.as_mut()).await {
                Some(answer) => (answer.map_err(StatementError::Driver), true),
                None => (
                    cancel(connection, statement.as_mut(), self.target).await,
                    false,
                ),
            }
        };
        if let Some(connection) = self.connection.take()
            && !returned
        {
            drop(Object::take(connection));
        }
        answer
    }
}

impl Drop for InFlightStatement<'_> {
    /// The connection is still here only where the caller dropped the call. Cancels its statement, and keeps the
    /// connection until then, because a pooler forgets whose statement it was when the connection ends.
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let connection = Object::take(connection);
        let tls = self.target.tls();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let cancellation = connection.cancel_token();
                let _ = timeout(CANCEL_TIMEOUT, cancellation.cancel_query(tls)).await;
                drop(connection);
            });
        }
    }
}

async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        None => Some(future.await),
        Some(limit) => timeout(limit, future).await.ok(),
    }
}

/// Cancels a statement and waits for its end. Requests it repeatedly: a cancellation that arrives before the statement
/// has begun has no effect.
async fn cancel<T>(
    connection: &Object,
    mut statement: Pin<&mut impl Future<Output = Result<T, tokio_postgres::Error>>>,
    target: &ConnectionTarget,
) -> Result<T, StatementError> {
    let cancellation = connection.cancel_token();
    for _ in 0..CANCELLATIONS {
        let asked = timeout(CANCEL_TIMEOUT, cancellation.cancel_query(target.tls())).await;
        if !matches!(asked, Ok(Ok(()))) {
            tracing::warn!("the cancellation of a statement that took too long was not accepted");
        }
        match timeout(CANCEL_TIMEOUT, statement.as_mut()).await {
            // The result arrived just before the cancellation.
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => return Err(join_result(error)),
            Err(_) => {}
        }
    }
    Err(StatementError::TimedOut {
        known_undone: false,
    })
}

/// The meaning of an error after the cancellation request.
fn join_result(error: tokio_postgres::Error) -> StatementError {
    match error.code() {
        Some(&SqlState::QUERY_CANCELED) => StatementError::TimedOut { known_undone: true },
        Some(code) if !is_connection_lost(code) => StatementError::Driver(error),
        // A pooler ends the connection of a statement that had no server connection yet.
        _ => StatementError::TimedOut {
            known_undone: false,
        },
    }
}
