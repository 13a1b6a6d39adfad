//! `dotwrap embedded stop`.
use clap::Args;
use dotwrap_app::embedded::embedded;
use dotwrap_embedded::{Error, StopOutcome};
use serde::Serialize;

use super::described;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// Stop the embedded database's server now, instead of ten seconds after its last use.
///
/// Refused with exit status 4 while other processes use it. The next command that needs it starts it again.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Also while others use it: their statements are broken off, and a run that ends meanwhile is not recorded
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    folder: std::path::PathBuf,
    /// `stopped`, `not_running` or `missing`.
    outcome: &'static str,
}

/// Stops it.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let embedded = embedded(&session.settings)?;
    let outcome = match embedded.stop(arguments.force).await {
        Err(Error::InUse { users }) => {
            let users: Vec<String> = users.iter().map(described).collect();
            let by = match users.is_empty() {
                true => String::new(),
                false => format!(" by {}", users.join(", ")),
            };
            let message = format!("the embedded server is in use{by}; it was not stopped");
            return Err(Failure::new(ExitStatus::LeaseHeld, "in_use", message)
                .hint("let these end, or stop it all the same: dotwrap embedded stop --force"));
        }
        other => other?,
    };
    let folder = embedded.folder().to_owned();
    let (outcome, said) = match outcome {
        StopOutcome::Stopped => ("stopped", "the embedded server is stopped"),
        StopOutcome::NotRunning => ("not_running", "the embedded server is not running"),
        StopOutcome::NoCluster => ("missing", "there is no embedded database"),
    };
    session
        .messages
        .note(format!("{said} ({})", folder.display()));
    session.output.change(&Report { folder, outcome })?;
    Ok(ExitStatus::Done)
}
