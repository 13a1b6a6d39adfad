//! Single connections, outside the pool.

use std::time::{Duration, Instant};

use dotwrap_conninfo::ConnectionTarget;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Connection, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::slot::SlotWait;
use crate::error::Error;

/// A connection that its opener drives.
pub(crate) type OwnConnection =
    Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Opens one connection, driven by a task of the current runtime, for callers that need a session, such as an
/// installer. The [`Wrapper`](crate::Wrapper) does not.
///
/// # Errors
/// [`Error::Unreachable`]; [`Error::NoSlot`] where the server has no slot left for this login, or is still starting.
pub async fn connect(target: &ConnectionTarget) -> Result<Client, Error> {
    let (client, connection) = open(target).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection ended");
        }
    });
    Ok(client)
}

/// As [`connect`]. Retries for the given time while the server has no slot left for this login, or is still starting.
///
/// # Errors
/// As [`connect`]; [`Error::NoSlot`] after the given time.
pub async fn connect_within(
    target: &ConnectionTarget,
    slot_wait: Duration,
) -> Result<Client, Error> {
    let mut waiting = SlotWait::of(slot_wait);
    loop {
        match connect(target).await {
            Err(error) => waiting.pause(error).await?,
            connected => return connected,
        }
    }
}

/// Opens one connection. The caller drives it.
pub(crate) async fn open(target: &ConnectionTarget) -> Result<(Client, OwnConnection), Error> {
    tokio::time::timeout(target.connect_limit(), open_now(target))
        .await
        .map_err(|_| timeout_error(target))?
        .map_err(|error| Error::of_connection(&error, &target.to_string()))
}

/// How long a password file may be behind the server. The embedded database replaces passwords that others could
/// read, first in the server and then in the file.
const PASSWORD_FILE_LAG: Duration = Duration::from_millis(500);

/// Opens one connection with the password that is valid now. Where the server refuses it, waits until the password
/// file has another, for [`PASSWORD_FILE_LAG`] at most.
pub(super) async fn open_now(
    target: &ConnectionTarget,
) -> Result<(Client, OwnConnection), tokio_postgres::Error> {
    let begun = Instant::now();
    let mut config = target.config_now();
    loop {
        let error = match config.connect(target.tls()).await {
            Err(error) if error.code() == Some(&SqlState::INVALID_PASSWORD) => error,
            connected => return connected,
        };
        let refused = config.get_password().map(<[u8]>::to_owned);
        while config.get_password() == refused.as_deref() {
            if target.secret_files().is_empty() || begun.elapsed() > PASSWORD_FILE_LAG {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            config = target.config_now();
        }
    }
}

/// The error of an attempt that reached [`ConnectionTarget::connect_limit`].
pub(super) fn timeout_error(target: &ConnectionTarget) -> Error {
    Error::Unreachable {
        target: target.to_string(),
        reason: format!("no connection within {:?}", target.connect_limit()),
    }
}
