//! What the libraries report, as failures of a command.

use std::io::ErrorKind;

use dotwrap_contract::InstallError;
use dotwrap_exec::InvokerError;
use dotwrap_wrapper::{Error, is_unreachable, means_no_slot};
use serde_json::json;

use super::{BUSY, Failure, hints};
use crate::exit_status::ExitStatus;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = status_of(&error);
        match error {
            Error::Refused(refusal) => Failure {
                code: refusal.code.to_string(),
                message: refusal.message,
                hint: hints::hint(refusal.code.as_str())
                    .map(str::to_owned)
                    .or(refusal.hint),
                detail: refusal.detail,
                status,
            },
            other => {
                let (code, hint) = code_and_hint(&other);
                let failure = Failure::new(status, code, other.to_string());
                hint.into_iter().fold(failure, Failure::hint)
            }
        }
    }
}

/// What to do where a disk is full.
const FREE_SPACE: &str =
    "free space there, or have more; `dotwrap doctor` says how much is left on this machine";

/// Whether the database can not write to its disk: `disk_full`, `io_error`.
fn is_of_disk(sqlstate: Option<&str>) -> bool {
    matches!(sqlstate, Some("53100" | "58030"))
}

/// A database whose disk is full is no defect of this program, and can be reached as little as one that is gone.
fn status_of(error: &Error) -> ExitStatus {
    match error {
        Error::Database { sqlstate, .. } if is_of_disk(sqlstate.as_deref()) => {
            ExitStatus::Unreachable
        }
        _ => ExitStatus::from_error(error),
    }
}

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
        Error::Database { sqlstate, .. } if is_of_disk(sqlstate.as_deref()) => {
            ("database_error", Some(FREE_SPACE))
        }
        Error::Database { .. } => ("database_error", None),
        _ => ("internal", None),
    }
}

impl From<dotwrap_exec::Error> for Failure {
    fn from(error: dotwrap_exec::Error) -> Self {
        use dotwrap_exec::Error;
        let message = error.to_string();
        match error {
            Error::Wrapper(error) => error.into(),
            Error::Unusable { dot_code, reason } => {
                let failure = Self::new(ExitStatus::Blocked, reason.code, message)
                    .detail(json!({"dot_code": dot_code}));
                reason.hint.into_iter().fold(failure, Self::hint)
            }
            Error::InputMissing { .. } => Self::new(ExitStatus::Usage, "input_missing", message)
                .hint("say what the tools are to work on: --input REF"),
            Error::OtherInput { process_run_id } => {
                Self::new(ExitStatus::Conflict, "idempotency_conflict", message)
                    .detail(json!({"process_run_id": process_run_id, "differs": ["input_ref"]}))
                    .hint("use another key: --key")
            }
            Error::RegistryChanged => {
                Self::new(ExitStatus::Blocked, "registry_changed", message).hint("try again")
            }
            Error::Folder { source, .. } if source.kind() == ErrorKind::StorageFull => {
                Self::new(ExitStatus::Unreachable, "disk_full", message).hint(FREE_SPACE)
            }
            Error::Folder { .. } => Self::new(ExitStatus::Usage, "folder_unusable", message)
                .hint("name another folder for the runs: --runs-folder, or DOTWRAP_RUNS_FOLDER"),
            Error::NotConcluded {
                process_run_id,
                unrecorded,
                reason,
            } => {
                let status = status_of(&reason);
                let noted = unrecorded
                    .as_ref()
                    .map(|path| format!("what could not be recorded is in {}; ", path.display()));
                Self::new(status, "not_concluded", message)
                    .detail(json!({"process_run_id": process_run_id, "unrecorded": unrecorded}))
                    .hint(format!(
                        "{}see what is recorded: dotwrap runs show {process_run_id}; `dotwrap reap` concludes it when its lease has run out",
                        noted.unwrap_or_default()
                    ))
            }
            _ => Self::internal(message),
        }
    }
}

impl From<InvokerError> for Failure {
    fn from(error: InvokerError) -> Self {
        let failure = Self::usage(error.to_string());
        match error {
            InvokerError::Hosts(_) => failure.hint(
                "agent_hosts in dotwrap.toml, DOTWRAP_AGENT_HOSTS and --agent-host take host or host:port",
            ),
            _ => failure,
        }
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        let (status, code) = match &error {
            InstallError::InvalidName { .. } => (ExitStatus::Usage, "name_invalid"),
            InstallError::ServerTooOld(_) | InstallError::NotUtf8(_) => {
                (ExitStatus::Usage, "server_unfit")
            }
            InstallError::SchemaOccupied(_) => (ExitStatus::Usage, "schema_occupied"),
            InstallError::RolesChanged { .. } => (ExitStatus::Usage, "roles_changed"),
            InstallError::MayNotCreateSchema { .. }
            | InstallError::NotTheOwner { .. }
            | InstallError::RolesOfOthers { .. } => (ExitStatus::NotPermitted, "not_permitted"),
            InstallError::Busy => (ExitStatus::LeaseHeld, "busy"),
            InstallError::Newer(_) => (ExitStatus::Usage, "contract_newer"),
            InstallError::Database(database) => return of_database(database, error.to_string()),
            _ => (ExitStatus::Internal, "install_failed"),
        };
        Failure::new(status, code, error.to_string())
    }
}

/// The installer and the judge hand the driver's errors on as they are; what the wrapper's own calls call unreachable is called
/// so here, too. The message is theirs, which keeps the database's own words.
fn of_database(error: &tokio_postgres::Error, message: String) -> Failure {
    use tokio_postgres::error::SqlState;
    if means_no_slot(error) {
        return Failure::new(ExitStatus::LeaseHeld, BUSY, message).hint(NO_SLOT);
    }
    if is_unreachable(error) {
        return Failure::new(ExitStatus::Unreachable, "unreachable", message);
    }
    match error.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Failure::new(ExitStatus::NotPermitted, "not_permitted", message)
        }
        Some(code) => Failure::new(ExitStatus::Internal, "database_error", message)
            .detail(json!({ "sqlstate": code.code() })),
        None => Failure::new(ExitStatus::Internal, "database_error", message),
    }
}

impl From<dotwrap_embedded::Error> for Failure {
    fn from(error: dotwrap_embedded::Error) -> Self {
        let message = error.to_string();
        let is_full = message.contains("No space left on device");
        let failure = Failure::new(ExitStatus::Unreachable, "embedded_unavailable", message);
        if is_full {
            return failure
                .hint("the disk that holds the embedded database is full: make room and try again, or set DOTWRAP_HOME to another disk");
        }
        failure
    }
}

impl From<dotwrap_verify::VerifyError> for Failure {
    fn from(error: dotwrap_verify::VerifyError) -> Self {
        use dotwrap_verify::VerifyError;
        let message = error.to_string();
        match error {
            VerifyError::NotInstalled { .. } => {
                Failure::new(ExitStatus::Internal, "not_installed", message)
                    .hint("`dotwrap install` installs the contract; --schema names another schema")
            }
            VerifyError::MissingRight { .. } => {
                Failure::new(ExitStatus::NotPermitted, "not_permitted", message)
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
        let failure = Failure::from(Error::PoolExhausted { waited });
        assert_eq!(failure.code, "pool_exhausted");
        assert_eq!(failure.status, ExitStatus::Unreachable);
        let refusal = dotwrap_wrapper::RefusalCode::from(failure.code.as_str());
        assert!(!dotwrap_wrapper::RefusalCode::from_code().any(|known| known == refusal));
    }

    #[test]
    fn a_database_that_does_not_answer_is_no_defect_of_this_program() {
        let limit = Duration::from_secs(30);
        let silent = Failure::from(Error::TimedOut {
            limit,
            known_undone: false,
        });
        assert_eq!(silent.status, ExitStatus::Unreachable);
        assert!(silent.hint.is_some_and(|hint| hint.contains("--key")));
        let cancelled = Failure::from(Error::TimedOut {
            limit,
            known_undone: true,
        });
        assert_eq!(cancelled.status, ExitStatus::Internal);
    }
}
