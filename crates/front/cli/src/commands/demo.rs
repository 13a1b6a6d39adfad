//! `dotwrap demo`.
use clap::Args;
use dotwrap_app::settings::DatabaseChoice;

use crate::demo;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;

/// The guided first run: everything once, on a database of its own.
///
/// It runs on the embedded PostgreSQL, in the schema dot_demo, whatever database is configured: a ledger is
/// insert-only, and a demonstration has no place in anybody's own. It really calls tools, tar and sleep, on files that
/// it makes below `demo` in the data folder, behind gates that it opens in its own schema for five minutes and closes
/// again. It can be repeated.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Use the configured database instead of the embedded one, there too in the schema dot_demo
    #[arg(long)]
    use_database: bool,
}

/// Performs the demonstration.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    if !arguments.use_database && session.settings.database != DatabaseChoice::Embedded {
        session.messages.note(
            "a database is configured; the demonstration leaves it alone and uses the embedded one",
        );
        session.settings.database = DatabaseChoice::Embedded;
    }
    demo::perform(session).await?;
    Ok(ExitStatus::Done)
}
