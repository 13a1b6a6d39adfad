//! Checks whether the server answers, by a connection like its users'.
use std::error::Error as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use crate::auth::Passwords;
use crate::{DATABASE, OWNER, socket};

/// The time limit for a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The errors of a server that starts, stops, or recovers from a crash.
const STARTING_STATES: [SqlState; 3] = [
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
];

/// The result of a connection attempt.
#[derive(Debug)]
pub(crate) enum ProbeResult {
    /// A session was opened.
    Ready,
    /// The server is not ready: it starts, recovers from a crash, or stops.
    NotYet(String),
    /// The password is wrong or missing.
    Locked(String),
    /// No answer: the socket does not exist, or no server listens.
    Silence(String),
    /// The server answers, but new sessions do not work.
    Broken(String),
}

/// The plain owner of the product's database, through the socket in this folder.
pub(crate) fn owner(folder: &Path, passwords: Option<&Passwords>) -> Config {
    account(folder, passwords, OWNER, DATABASE)
}

/// An account of the cluster, through the socket in this folder. A server that an older dotwrap started has no
/// passwords.
pub(crate) fn account(
    folder: &Path,
    passwords: Option<&Passwords>,
    user: &str,
    database: &str,
) -> Config {
    let mut config = Config::new();
    config
        .host_path(folder)
        .port(socket::PORT)
        .user(user)
        .dbname(database);
    if let Some(password) = passwords.and_then(|passwords| passwords.password(user)) {
        config.password(password);
    }
    config
}

/// Opens a session and runs PL/pgSQL: after PostgreSQL was upgraded under a running server, sessions still open, but
/// plpgsql cannot be loaded.
pub(crate) async fn ask(owner: &Config) -> ProbeResult {
    match tokio::time::timeout(CONNECT_TIMEOUT, run_plpgsql(owner)).await {
        Err(_) => ProbeResult::Silence("it does not answer".to_owned()),
        Ok(Ok(())) => ProbeResult::Ready,
        Ok(Err(error)) => classify(&error, owner.get_password().is_some()),
    }
}

async fn run_plpgsql(owner: &Config) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = owner.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let answer = client.batch_execute("DO 'BEGIN END'").await;
    connection.abort();
    answer
}

fn classify(error: &tokio_postgres::Error, has_password: bool) -> ProbeResult {
    match error.as_db_error() {
        // Full, hence at work.
        Some(refusal) if *refusal.code() == SqlState::TOO_MANY_CONNECTIONS => ProbeResult::Ready,
        Some(refusal) if STARTING_STATES.contains(refusal.code()) => {
            ProbeResult::NotYet(refusal.message().to_owned())
        }
        Some(refusal) if *refusal.code() == SqlState::INVALID_PASSWORD => {
            ProbeResult::Locked("does not hold them".to_owned())
        }
        Some(refusal) => ProbeResult::Broken(refusal.message().to_owned()),
        None => {
            let cause = error
                .source()
                .and_then(|cause| cause.downcast_ref::<io::Error>());
            match cause {
                // More wait to be accepted than the system lets: at work as well.
                Some(cause) if cause.kind() == io::ErrorKind::WouldBlock => ProbeResult::Ready,
                Some(cause) => ProbeResult::Silence(cause.to_string()),
                // The client's own error for a password request.
                None if !has_password => ProbeResult::Locked("is not there".to_owned()),
                None => ProbeResult::Silence(error.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{UnixSocket, UnixStream};

    use super::*;

    /// More than may wait to be accepted: the server is at work.
    #[tokio::test]
    async fn full_backlog_counts_as_ready() {
        let folder = tempfile::tempdir().unwrap();
        let path = socket::file(folder.path());
        let server = UnixSocket::new_stream().unwrap();
        server.bind(&path).unwrap();
        let _server = server.listen(1).unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = UnixStream::connect(&path).await {
            waiting.push(stream);
        }
        let answer = ask(&owner(folder.path(), None)).await;
        assert!(matches!(answer, ProbeResult::Ready), "{answer:?}");
        drop(waiting);
    }
}
