//! One statement on its way: how long it may take, and what becomes of its connection.

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use deadpool_postgres::Object;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::error::SqlState;

use super::ConnectionTarget;
use crate::error::is_connection_lost;

/// How long a cancellation may take to reach the database, and again to take hold there.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is asked for.
const CANCELLATIONS: u32 = 3;

/// A pooled connection that carries a statement. One whose statement did not come back does not return
/// to the pool: the next caller would wait behind it, or meet the cancellation meant for it.
pub(crate) struct InFlightStatement<'a> {
    connection: Option<Object>,
    target: &'a ConnectionTarget,
}

/// Why a statement has no answer.
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

    /// Waits for the statement's answer; when the limit is over, asks the database to cancel it and
    /// waits for that.
    ///
    /// The limit is kept here and not by `SET statement_timeout`: through a pooler a session setting
    /// would stay behind on somebody else's connection, and the startup option for it is refused.
    pub(crate) async fn run<T>(
        mut self,
        statement: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>,
        limit: Option<Duration>,
    ) -> Result<T, StatementError> {
        let Some(connection) = &self.connection else {
            return Err(StatementError::TimedOut { known_undone: true });
        };
        let (answer, landed) = {
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
            && !landed
        {
            drop(Object::take(connection));
        }
        answer
    }
}

impl Drop for InFlightStatement<'_> {
    /// Still holding the connection here means that the caller gave the call up. Nobody waits for its
    /// statement any more, so the database is asked to stop it; the connection is kept for as long, since a
    /// pooler forgets whose statement it was when the connection ends.
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

/// Cancels a statement and waits for what becomes of it. Asked more than once: a cancellation that is
/// there before its statement has begun does nothing.
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
            // It came in just before the cancellation did.
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => return Err(join_result(error)),
            Err(_) => {}
        }
    }
    Err(StatementError::TimedOut {
        known_undone: false,
    })
}

/// What an error means that came after the cancellation was asked for.
fn join_result(error: tokio_postgres::Error) -> StatementError {
    match error.code() {
        Some(&SqlState::QUERY_CANCELED) => StatementError::TimedOut { known_undone: true },
        Some(code) if !is_connection_lost(code) => StatementError::Driver(error),
        // A pooler ends the connection of a statement that it had no server for yet.
        _ => StatementError::TimedOut {
            known_undone: false,
        },
    }
}
