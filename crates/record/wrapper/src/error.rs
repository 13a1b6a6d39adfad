//! The one error type of this crate.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::{database::TargetError, error_class::ErrorClass, refusal::Refusal};

/// Why a call has no result. No variant shows a password or a lease token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The contract refused the call. Nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),

    /// The login may not do this (SQLSTATE 42501).
    #[error("not permitted: {message}")]
    NotPermitted {
        /// The database's message.
        message: String,
    },

    /// The database cannot be reached, does not let us in, or went away. If it went away during a
    /// call, that call may have been carried out: repeat it with its idempotency key, or look its run
    /// id up.
    #[error("the database at {target} cannot be reached: {reason}")]
    Unreachable {
        /// The target, without the password.
        target: String,
        /// The cause.
        reason: String,
    },

    /// The server has no connection slot left for this login, or is still starting (SQLSTATE 53300,
    /// 57P03). Nothing was sent.
    #[error("the database at {target} takes no connection now: {reason}")]
    NoSlot {
        /// Which database it is, without the password.
        target: String,
        /// The server's message.
        reason: String,
    },

    /// The connection target cannot be understood.
    #[error("the database address is not usable: {0}")]
    Target(#[from] TargetError),

    /// The contract, or the part of it that was called, is not installed in this schema.
    #[error(
        "the contract in schema \"{schema}\" is missing or older than this program ({reason}); `dotwrap install` installs or upgrades it"
    )]
    NotInstalled {
        /// The schema that was looked in.
        schema: String,
        /// What is missing, in the database's words.
        reason: String,
    },

    /// A text that PostgreSQL cannot store: it contains a NUL character. Nothing was sent.
    #[error("{argument} contains a NUL character, which PostgreSQL cannot store")]
    InvalidText {
        /// The argument, as the contract names it.
        argument: String,
    },

    /// The call exceeded its time limit, and its cancellation was requested.
    #[error("no answer within {limit:?}; {}", if *.known_undone { "the call was cancelled and wrote nothing" } else { "it is not known whether the call was carried out" })]
    TimedOut {
        /// The limit that was set.
        limit: Duration,
        /// Whether the database confirmed the cancellation.
        known_undone: bool,
    },

    /// Every connection of the pool stayed busy for this long.
    #[error("every connection of the pool stayed busy for {waited:?}")]
    PoolExhausted {
        /// How long was waited.
        waited: Duration,
    },

    /// The database returned an error that the contract does not define.
    #[error("the database reported {}: {message}", sqlstate.as_deref().unwrap_or("an error"))]
    Database {
        /// The SQLSTATE, where there is one.
        sqlstate: Option<String>,
        /// The message.
        message: String,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },

    /// An answer has another shape than this client expects.
    #[error("the database's answer was not understood: {0}")]
    Answer(String),
}

impl Error {
    /// The refusal, if the contract refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// What kind of failure it is, for callers that need no finer answer.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(refusal) => refusal.kind().into(),
            Self::InvalidText { .. } | Self::Target(_) => ErrorClass::Argument,
            Self::NoSlot { .. } => ErrorClass::Lease,
            // A database that does not confirm a cancellation counts as unreachable.
            Self::TimedOut {
                known_undone: false,
                ..
            }
            | Self::Unreachable { .. }
            | Self::PoolExhausted { .. } => ErrorClass::Unreachable,
            Self::TimedOut { .. } => ErrorClass::Transient,
            Self::NotPermitted { .. } => ErrorClass::NotPermitted,
            Self::Database { sqlstate, .. } => sqlstate
                .as_deref()
                .map_or(ErrorClass::Internal, of_sqlstate),
            Self::NotInstalled { .. } | Self::Answer(_) => ErrorClass::Internal,
        }
    }

    /// Whether the same call may succeed if it is made again as it is: the lease may be free by then, the database
    /// back, the deadlock gone.
    ///
    /// It does not say that repeating is harmless. A call without an idempotency key that ended in
    /// [`Error::Unreachable`] or [`Error::TimedOut`] may have been carried out.
    pub fn is_transient(&self) -> bool {
        self.class().may_pass()
    }

    /// Whether the database cannot write to its disk: it is full, or reports an I/O error.
    pub fn is_of_disk(&self) -> bool {
        match self {
            Self::Database { sqlstate, .. } => sqlstate
                .as_deref()
                .is_some_and(|state| DISK.contains(&state)),
            _ => false,
        }
    }

    /// Whether the database takes no writes: it is a standby, or was made read-only.
    pub fn is_read_only(&self) -> bool {
        let Self::Database { sqlstate, .. } = self else {
            return false;
        };
        sqlstate.as_deref() == Some(READ_ONLY)
    }

    /// Whether the database's disk is full.
    pub fn is_disk_full(&self) -> bool {
        let Self::Database { sqlstate, .. } = self else {
            return false;
        };
        sqlstate.as_deref() == Some(SqlState::DISK_FULL.code())
    }

    /// The remedy, where it is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.hint.as_deref(),
            _ => None,
        }
    }

    /// Classifies an error of a statement.
    pub(crate) fn of_statement(error: tokio_postgres::Error, target: &str, schema: &str) -> Self {
        let Some(database) = error.as_db_error() else {
            return Self::of_driver(error, target);
        };
        if let Some(refusal) = Refusal::in_database_error(database) {
            return Self::Refused(refusal);
        }
        let message = database.message().to_owned();
        match database.code() {
            &SqlState::INSUFFICIENT_PRIVILEGE => Self::NotPermitted { message },
            // With a context the error arose inside a function: not ours to explain.
            code if is_undefined_object(code) && database.where_().is_none() => {
                Self::NotInstalled {
                    schema: schema.to_owned(),
                    reason: message,
                }
            }
            code if is_no_slot(code) => Self::NoSlot {
                target: target.to_owned(),
                reason: message,
            },
            code if is_connection_lost(code) => Self::Unreachable {
                target: target.to_owned(),
                reason: message,
            },
            code => Self::Database {
                sqlstate: Some(code.code().to_owned()),
                message,
                source: error,
            },
        }
    }

    /// An error while connecting.
    pub(crate) fn of_connection(error: &tokio_postgres::Error, target: &str) -> Self {
        let (target, reason) = (target.to_owned(), error_chain(error));
        if means_no_slot(error) {
            return Self::NoSlot { target, reason };
        }
        Self::Unreachable { target, reason }
    }

    /// Whether no connection could be made, so that the call was not sent.
    pub(crate) fn is_without_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NoSlot { .. })
    }

    fn of_driver(error: tokio_postgres::Error, target: &str) -> Self {
        if is_unreachable(&error) || means_no_slot(&error) {
            return Self::of_connection(&error, target);
        }
        Self::Database {
            sqlstate: None,
            message: error_chain(&error),
            source: error,
        }
    }
}

/// Whether a driver error means the same as [`Error::Unreachable`]: the database cannot be reached, rejects the
/// connection, or went away. For programs that use the driver directly, such as the installer, and report the same
/// error.
pub fn is_unreachable(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) if is_no_slot(code) => false,
        Some(code) => is_connection_lost(code),
        None => {
            let is_lost = error.is_closed() || io_error(error).is_some();
            is_lost && !means_no_slot(error)
        }
    }
}

/// Whether a driver error means the same as [`Error::NoSlot`]: the server has no connection slot left for this login,
/// or is still starting. On a local socket the operating system reports a full backlog (`EAGAIN`).
pub fn means_no_slot(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => is_no_slot(code),
        None => io_error(error).is_some_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
    }
}

fn io_error(error: &tokio_postgres::Error) -> Option<&std::io::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

fn is_no_slot(code: &SqlState) -> bool {
    [SqlState::TOO_MANY_CONNECTIONS, SqlState::CANNOT_CONNECT_NOW].contains(code)
}

/// The error with its causes, in one line.
fn error_chain(error: &tokio_postgres::Error) -> String {
    if let Some(database) = error.as_db_error() {
        return database.message().to_owned();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

fn is_undefined_object(code: &SqlState) -> bool {
    [
        SqlState::UNDEFINED_FUNCTION,
        SqlState::INVALID_SCHEMA_NAME,
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
    ]
    .contains(code)
}

/// Connection exceptions, refused logins, a server that stops or has no place left.
pub(crate) fn is_connection_lost(code: &SqlState) -> bool {
    let class = code.code();
    class.starts_with("08")
        || class.starts_with("28")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::UNDEFINED_DATABASE,
        ]
        .contains(code)
}

/// `disk_full` and `io_error`.
const DISK: [&str; 2] = ["53100", "58030"];

/// `read_only_sql_transaction`: a standby, or a server that was made read-only.
const READ_ONLY: &str = "25006";

/// The beginnings of the SQLSTATEs that may pass: a transaction that was rolled back for another's sake, a standby, a
/// lack of resources, an object in use, a cancelled statement, an error of the system.
const MAY_PASS: [&str; 6] = ["40001", "40P01", "53", "55", "57", "58"];

fn of_sqlstate(sqlstate: &str) -> ErrorClass {
    if DISK.contains(&sqlstate) || sqlstate == READ_ONLY {
        return ErrorClass::Unreachable;
    }
    match MAY_PASS.iter().any(|start| sqlstate.starts_with(start)) {
        true => ErrorClass::Transient,
        false => ErrorClass::Internal,
    }
}
