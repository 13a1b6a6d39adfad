//! `dotwrap runs moved`.
use std::path::PathBuf;

use clap::Args;
use dotwrap_wrapper::OutputChange;
use serde_json::json;
use url::Url;

use super::show::find;
use crate::commands::ActorArgs;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, KeyValueList};
use crate::session::Context;

/// Record that a run's output lies elsewhere now, so that it can be verified again there.
///
/// Nothing is moved: move the file first. `dotwrap runs reverify` finds out whether it is the same.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run's id or an unambiguous beginning of it, or its correlation; `last` is the newest run
    #[arg(value_name = "RUN")]
    run: String,
    /// Where the output lies now
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
    #[command(flatten)]
    acting: ActorArgs,
}

/// Records it.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let place = arguments.to.canonicalize().map_err(|error| {
        let path = arguments.to.display();
        Failure::usage(format!("nothing can be found at {path}: {error}"))
            .hint("move the output first, then say where it lies")
    })?;
    let address =
        Url::from_file_path(&place).map_err(|()| Failure::usage("the path is not absolute"))?;
    let ledger = session.ledger().await?;
    let run = find(&arguments.run, &ledger).await?;
    let actor = session.actor(arguments.acting);
    let change = OutputChange::Moved(address.to_string());
    ledger
        .record_output_change(run.process_run_id, &change, Some(&actor))
        .await?;
    let record = json!({"process_run_id": run.process_run_id, "output_moved_to": address.as_str()});
    session.output.record(&record, |_| {
        KeyValueList::default()
            .line("run", Cell::plain(run.process_run_id))
            .line("output now", Cell::plain(address.as_str()))
            .draw(0)
    })?;
    Ok(ExitStatus::Done)
}
