//! `dotwrap runs logs RUN`.
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::visible::shown_lines;
use dotwrap_exec::CallFolder;
use dotwrap_wrapper::{ComponentRole, Run, StoredStatus};
use nix::sys::signal::Signal;

use super::show::find;
use super::transcript::{Transcript, last_lines};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::run_folders::run_folders;
use crate::session::Context;
use crate::signals::Listener;

/// Print what a run's tool printed, from the run's folder on this machine.
///
/// Characters that steer a terminal are shown and not sent. The ledger has the digest of what was printed, and not the
/// text, except for the end of standard error if the contract says record_stderr_tail_bytes: this is printed where the
/// files are not.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The run: its id or an unambiguous beginning of it, its correlation, or `last`
    #[arg(value_name = "RUN")]
    run: String,
    /// Print the verifier's call, not the producer's
    #[arg(long)]
    verifier: bool,
    /// Print standard error, not standard output
    #[arg(long)]
    stderr: bool,
    /// Continue until the run ends
    #[arg(long, short)]
    follow: bool,
    /// How many lines to print of the end
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 50)]
    lines: usize,
    /// Below which folder executed runs keep their files [default: runs in dotwrap's data folder]
    #[arg(long, value_name = "FOLDER")]
    runs_folder: Option<PathBuf>,
}

/// How often a file is looked at that is followed.
const PAUSE: Duration = Duration::from_millis(200);

/// Prints the last lines, and what follows them.
pub(super) async fn execute(
    arguments: &Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let ledger = session.ledger().await?;
    let run = find(&arguments.run, &ledger).await?;
    let path = file_of(&run, arguments, session)?;
    let mut interrupt = Listener::of(Signal::SIGINT)
        .map_err(|error| Failure::internal(format!("Ctrl-C cannot be heard: {error}")))?;
    let id = run.process_run_id;
    let mut is_under_way = is_open(run.status);
    let mut opened = None;
    loop {
        let text = match &mut opened {
            None => match Transcript::open(&path, arguments.lines) {
                Ok((transcript, tail)) => {
                    opened = Some(transcript);
                    tail
                }
                // The call may not have begun.
                Err(error)
                    if error.kind() == ErrorKind::NotFound && arguments.follow && is_under_way =>
                {
                    String::new()
                }
                Err(error) => {
                    return match recorded_tail(&run, arguments, &ledger).await? {
                        Some(tail) => print_recorded(&tail, arguments, session),
                        None => Err(no_transcript(&path, &error)),
                    };
                }
            },
            Some(transcript) => transcript
                .next(!is_under_way)
                .map_err(|error| no_transcript(&path, &error))?,
        };
        if !text.is_empty() {
            session.output.verbatim(&shown_lines(&text))?;
            // One more look behind the end of the run finds what came last.
            if arguments.follow {
                continue;
            }
        }
        if !arguments.follow || !is_under_way {
            return Ok(ExitStatus::Done);
        }
        tokio::select! {
            () = interrupt.heard() => return Ok(ExitStatus::Done),
            () = tokio::time::sleep(PAUSE) => {}
        }
        let now = ledger.run(id).await?;
        is_under_way = now.is_some_and(|run| is_open(run.status));
    }
}

/// What the ledger has of the end of standard error, for those whose machine did not execute the run.
async fn recorded_tail(
    run: &Run,
    arguments: &Arguments,
    ledger: &LedgerClient,
) -> Result<Option<String>, Failure> {
    if !arguments.stderr {
        return Ok(None);
    }
    let components = ledger.components_of(run.process_run_id).await?;
    let mut wanted = components
        .iter()
        .filter(|component| component.component_role == arguments.role());
    let tail = wanted.find_map(|component| component.evidence_ref.get("stderr_tail")?.as_str());
    Ok(tail.map(str::to_owned))
}

fn print_recorded(
    tail: &str,
    arguments: &Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    session.messages.note(
        "the run's files are not here: this is the end of standard error, as the ledger has it",
    );
    session
        .output
        .verbatim(&shown_lines(&last_lines(tail.as_bytes(), arguments.lines)))?;
    Ok(ExitStatus::Done)
}

impl Arguments {
    fn role(&self) -> ComponentRole {
        match self.verifier {
            true => ComponentRole::Verifier,
            false => ComponentRole::Producer,
        }
    }
}

fn is_open(status: StoredStatus) -> bool {
    matches!(status, StoredStatus::Started | StoredStatus::StepStarted)
}

/// The file that the call prints to. Without a lease nothing was called.
fn file_of(run: &Run, arguments: &Arguments, session: &Context) -> Result<PathBuf, Failure> {
    if run.lease_name.is_none() {
        let message = format!("the run {} called no tool", run.process_run_id);
        return Err(
            Failure::new(ExitStatus::Usage, "no_transcript", message).hint(
                "only executed runs have transcripts: dotwrap runs ls shows the evidence of each",
            ),
        );
    }
    let folders = run_folders(arguments.runs_folder.as_ref(), &session.settings)?;
    let role = arguments.role();
    let folder = CallFolder::at(folders.of(run.process_run_id).join(role.as_ref()));
    Ok(match arguments.stderr {
        true => folder.stderr(),
        false => folder.stdout(),
    })
}

fn no_transcript(path: &std::path::Path, error: &std::io::Error) -> Failure {
    let message = format!("{}: {error}", path.display());
    Failure::new(ExitStatus::Usage, "no_transcript", message).hint(
        "the run's files are on the machine that executed it, and `runs prune` removes them; name their folder: --runs-folder",
    )
}
