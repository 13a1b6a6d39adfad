//! What the libraries report, as problems.
use dotwrap_contract::InstallError;
use dotwrap_wrapper::{Error, ErrorClass, is_unreachable, means_no_slot};
use serde_json::json;

use super::{BUSY, Problem};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let class = error.class();
        match error {
            Error::Refused(refusal) => Problem {
                code: refusal.code.to_string(),
                message: refusal.message,
                hint: refusal.hint,
                detail: refusal.detail,
                class,
            },
            other => {
                let (code, hint) = code_and_hint(&other);
                let problem = Problem::new(class, code, other.to_string());
                hint.into_iter().fold(problem, Problem::hint)
            }
        }
    }
}

/// What to do where a disk is full.
pub const FREE_SPACE: &str =
    "free space there, or have more; `dotwrap doctor` says how much is left on this machine";

/// What to do where the server takes no writes.
const READ_ONLY: &str = "the server is a standby, or default_transaction_read_only is on: name the primary server (target_session_attrs=read-write \
                         with several hosts), or make this one writable";

/// What to do where the server takes no connection just now.
const NO_SLOT: &str = "the server starts, or every connection that this login may have is taken: try again when runs have ended, or end what holds \
                       connections; `dotwrap gates close` works on the embedded database all the same";

fn code_and_hint(error: &Error) -> (&'static str, Option<&'static str>) {
    match error {
        Error::NotPermitted { .. } => (
            "not_permitted",
            Some(
                "connect as a member of the role that may: …_observer records, …_operator sets gates and the registry, …_archiver reads the raw ledger",
            ),
        ),
        Error::Unreachable { .. } => (
            "unreachable",
            Some(
                "check the address and whether the server runs; without a database URL dotwrap uses the embedded one",
            ),
        ),
        Error::NoSlot { .. } => (BUSY, Some(NO_SLOT)),
        Error::Target(_) => (
            "target_invalid",
            Some(
                "expected is postgresql://USER@HOST:PORT/DATABASE, or key=value pairs as libpq takes them",
            ),
        ),
        Error::NotInstalled { .. } => (
            "not_installed",
            Some("`dotwrap install` installs or upgrades it"),
        ),
        Error::InvalidText { .. } => ("text_invalid", None),
        Error::TimedOut {
            known_undone: false,
            ..
        } => (
            "timed_out",
            Some(
                "the database does not answer: see whether its server is stopped or overloaded, then repeat the call with its --key, \
                 or look whether it was carried out",
            ),
        ),
        Error::TimedOut { .. } => (
            "timed_out",
            Some("a registered preflight check may hang: see `dotwrap preflight`"),
        ),
        Error::PoolExhausted { .. } => ("pool_exhausted", None),
        error if error.is_disk_full() => ("disk_full", Some(FREE_SPACE)),
        error if error.is_read_only() => ("read_only", Some(READ_ONLY)),
        error if error.is_of_disk() => ("database_error", Some(FREE_SPACE)),
        Error::Database { .. } => ("database_error", None),
        _ => ("internal", None),
    }
}

impl From<InstallError> for Problem {
    fn from(error: InstallError) -> Self {
        let (class, code) = match &error {
            InstallError::InvalidName { .. } => (ErrorClass::Argument, "name_invalid"),
            InstallError::ServerTooOld(_) | InstallError::NotUtf8(_) => {
                (ErrorClass::Argument, "server_unfit")
            }
            InstallError::SchemaOccupied(_) => (ErrorClass::Argument, "schema_occupied"),
            InstallError::RolesChanged { .. } => (ErrorClass::Argument, "roles_changed"),
            InstallError::MayNotCreateSchema { .. }
            | InstallError::NotTheOwner { .. }
            | InstallError::RolesOfOthers { .. } => (ErrorClass::NotPermitted, "not_permitted"),
            InstallError::Busy => (ErrorClass::Lease, "busy"),
            InstallError::RunsOpen(_) => (ErrorClass::Lease, "runs_open"),
            InstallError::NotInstalled(_) => (ErrorClass::Internal, "not_installed"),
            InstallError::ForeignObjects { .. } => (ErrorClass::Argument, "foreign_objects"),
            InstallError::HoldsLedger { .. } => (ErrorClass::Argument, "target_not_empty"),
            InstallError::RolesNeeded => (ErrorClass::NotPermitted, "not_permitted"),
            InstallError::Newer(_) => (ErrorClass::Argument, "contract_newer"),
            InstallError::Database(database) => return of_database(database, error.to_string()),
            _ => (ErrorClass::Internal, "install_failed"),
        };
        Problem::new(class, code, error.to_string())
    }
}

/// The installer and the judge hand the driver's errors on as they are; what the wrapper's own calls call unreachable
/// is called so here, too. The message is theirs, which keeps the database's own words.
fn of_database(error: &tokio_postgres::Error, message: String) -> Problem {
    use tokio_postgres::error::SqlState;
    if means_no_slot(error) {
        return Problem::new(ErrorClass::Lease, BUSY, message).hint(NO_SLOT);
    }
    if is_unreachable(error) {
        return Problem::new(ErrorClass::Unreachable, "unreachable", message);
    }
    match error.code() {
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            Problem::new(ErrorClass::Unreachable, "read_only", message).hint(READ_ONLY)
        }
        Some(code) if *code == SqlState::DISK_FULL => {
            Problem::new(ErrorClass::Unreachable, "disk_full", message).hint(FREE_SPACE)
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Problem::new(ErrorClass::NotPermitted, "not_permitted", message)
        }
        Some(code) => Problem::new(ErrorClass::Internal, "database_error", message)
            .detail(json!({ "sqlstate": code.code() })),
        None => Problem::new(ErrorClass::Internal, "database_error", message),
    }
}

impl From<dotwrap_embedded::Error> for Problem {
    fn from(error: dotwrap_embedded::Error) -> Self {
        use dotwrap_embedded::Error;
        let message = error.to_string();
        let is_full = message.contains("No space left on device");
        let (class, code) = match &error {
            Error::InUse { .. } => (ErrorClass::Lease, "in_use"),
            Error::NoClientProgram { .. } => (ErrorClass::Unreachable, "client_program_missing"),
            Error::Program { program, .. } if program == "pg_restore" => {
                (ErrorClass::Internal, "restore_failed")
            }
            Error::DumpNotWritten { .. } if is_full => (ErrorClass::Unreachable, "disk_full"),
            Error::DumpNotWritten { .. } => (ErrorClass::Argument, "file_unusable"),
            _ if is_full => (ErrorClass::Unreachable, "disk_full"),
            _ => (ErrorClass::Unreachable, "embedded_unavailable"),
        };
        let problem = Problem::new(class, code, message);
        if matches!(error, Error::DumpNotWritten { .. }) {
            return problem.hint(if is_full {
                FREE_SPACE
            } else {
                "name another file; one that exists is not replaced"
            });
        }
        if is_full {
            return problem
                .hint("the disk that holds the embedded database is full: make room and try again, or set DOTWRAP_HOME to another disk");
        }
        problem
    }
}

impl From<dotwrap_verify::VerifyError> for Problem {
    fn from(error: dotwrap_verify::VerifyError) -> Self {
        use dotwrap_verify::VerifyError;
        let message = error.to_string();
        match error {
            VerifyError::NotInstalled { .. } => {
                Problem::new(ErrorClass::Internal, "not_installed", message)
                    .hint("`dotwrap install` installs the contract; --schema names another schema")
            }
            VerifyError::MissingRight { .. } => {
                Problem::new(ErrorClass::NotPermitted, "not_permitted", message)
            }
            VerifyError::Database { source, .. } => {
                let said = source.as_db_error().map_or_else(
                    || source.to_string(),
                    |database| database.message().to_owned(),
                );
                of_database(&source, format!("{message}: {said}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pool_without_a_free_connection_is_not_called_as_the_contracts_refusal_is() {
        let waited = Duration::from_secs(30);
        let problem = Problem::from(Error::PoolExhausted { waited });
        assert_eq!(problem.code, "pool_exhausted");
        assert_eq!(problem.class, ErrorClass::Unreachable);
        let refusal = dotwrap_wrapper::RefusalCode::from(problem.code.as_str());
        assert!(!dotwrap_wrapper::RefusalCode::from_code().any(|known| known == refusal));
    }

    #[test]
    fn a_database_that_does_not_answer_is_no_defect_of_this_program() {
        let limit = Duration::from_secs(30);
        let silent = Problem::from(Error::TimedOut {
            limit,
            known_undone: false,
        });
        assert_eq!(silent.class, ErrorClass::Unreachable);
        assert!(silent.hint.is_some_and(|hint| hint.contains("--key")));
        let cancelled = Problem::from(Error::TimedOut {
            limit,
            known_undone: true,
        });
        assert_eq!(cancelled.class, ErrorClass::Transient);
    }
}
