//! The one connection that a process keeps while its runs have tools called.
//!
//! It listens for notifications, and asks whether runs may go on. A call that finds no connection slot is sent on it as well:
//! what a run knows can be recorded, and its lease renewed, with every slot of the server taken.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};
use tokio_postgres::{Client, Row};

use super::{ConnectionTarget, Value};
use crate::error::Error;

/// How long a cancellation may take to reach the database.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// The place of the kept connection; empty while there is none.
#[derive(Default)]
pub(crate) struct Kept {
    client: Mutex<Option<Arc<Client>>>,
    gone: Notify,
}

impl Kept {
    /// Puts a connection there.
    pub(crate) fn put(&self, client: Arc<Client>) {
        *self.lock() = Some(client);
    }

    /// Drops the connection. The task that drives it notices.
    pub(crate) fn give_up(&self) {
        *self.lock() = None;
        self.gone.notify_waiters();
    }

    /// Waits until the connection is of no use any more.
    pub(crate) async fn given_up(&self) {
        let gone = self.gone.notified();
        if self.lock().is_some() {
            gone.await;
        }
    }

    /// The connection, where there is one and it lives.
    pub(crate) fn client(&self) -> Option<Arc<Client>> {
        self.lock().clone().filter(|client| !client.is_closed())
    }

    /// Sends a statement on the connection. One that does not come back in time makes the connection useless: the next
    /// statement would wait behind it.
    pub(crate) async fn send(
        &self,
        client: &Client,
        statement: &str,
        values: &[&Value],
        target: &ConnectionTarget,
        limit: Option<Duration>,
    ) -> Result<Result<Vec<Row>, tokio_postgres::Error>, Error> {
        let typed: Vec<_> = values
            .iter()
            .map(|value| (value.as_sql(), value.sql_type()))
            .collect();
        let statement = client.query_typed(statement, &typed);
        let Some(limit) = limit else {
            return Ok(statement.await);
        };
        if let Ok(answer) = timeout(limit, statement).await {
            return Ok(answer);
        }
        self.give_up();
        let token = client.cancel_token();
        let _ = timeout(CANCEL_TIMEOUT, token.cancel_query(target.tls())).await;
        Err(Error::TimedOut {
            limit,
            known_undone: false,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Client>>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
