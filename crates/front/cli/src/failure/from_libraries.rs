//! What the libraries report, as failures of a command.
use std::io::ErrorKind;

use dotwrap_app::{FREE_SPACE, Problem};
use dotwrap_exec::InvokerError;
use serde_json::json;

use super::{Failure, hints};
use crate::exit_status::ExitStatus;

/// What to do where the disk of the runs' folder is full.
const MAKE_SPACE: &str = "remove what old runs left: dotwrap runs prune --older-than 30d; or name a folder on another disk: \
                          --runs-folder; --min-free-bytes sets how much has to stay free";

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let hint = hints::hint(&problem.code).map(str::to_owned);
        Self {
            hint: hint.or(problem.hint),
            status: ExitStatus::of(problem.class),
            code: problem.code,
            message: problem.message,
            detail: problem.detail,
        }
    }
}

impl From<dotwrap_wrapper::Error> for Failure {
    fn from(error: dotwrap_wrapper::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<dotwrap_contract::InstallError> for Failure {
    fn from(error: dotwrap_contract::InstallError) -> Self {
        Problem::from(error).into()
    }
}

impl From<dotwrap_embedded::Error> for Failure {
    fn from(error: dotwrap_embedded::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<dotwrap_verify::VerifyError> for Failure {
    fn from(error: dotwrap_verify::VerifyError) -> Self {
        Problem::from(error).into()
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
            Error::DiskFull { .. } => {
                Self::new(ExitStatus::Unreachable, "disk_full", message).hint(MAKE_SPACE)
            }
            Error::Folder { .. } => Self::new(ExitStatus::Usage, "folder_unusable", message)
                .hint("name another folder for the runs: --runs-folder, or DOTWRAP_RUNS_FOLDER"),
            Error::NotConcluded {
                process_run_id,
                unrecorded,
                reason,
            } => {
                let status = ExitStatus::of(reason.class());
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
