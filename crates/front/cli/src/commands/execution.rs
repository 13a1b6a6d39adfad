//! What every command needs that has tools called: the runner, and the messages about its progress.
use std::path::{Path, PathBuf};

use clap::Args;
use dotwrap_app::backend::LedgerClient;
use dotwrap_app::settings::Settings;
use dotwrap_catalogue::{Plan, UncallableContract};
use dotwrap_exec::{ExecutionSettings, InvocationChecker, Progress, Runner, Step};
use dotwrap_wrapper::Wrapper;
use indicatif::HumanBytes;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Messages, format_time};
use crate::run_folders::run_folders;
use crate::session::Context;

/// How tools may be called.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ExecutionArgs {
    /// Below which folder executed runs keep their files [default: runs in dotwrap's data folder]
    #[arg(long, value_name = "FOLDER")]
    runs_folder: Option<PathBuf>,
    /// A host of agent services or MCP servers that may be called; may be repeated [default: none]
    #[arg(long = "agent-host", value_name = "HOST[:PORT]")]
    agent_hosts: Vec<String>,
    /// How many bytes stay free on the disk of that folder: with less no run is begun, and one under way is stopped
    /// [default: 268435456]
    #[arg(long, value_name = "BYTES")]
    min_free_bytes: Option<u64>,
}

impl ExecutionArgs {
    /// A runner with these settings.
    pub(crate) fn runner(
        &self,
        session: &Context,
        ledger: &LedgerClient,
    ) -> Result<Runner, Failure> {
        let settings = &session.settings;
        let hosts = [self.agent_hosts.as_slice(), settings.agent_hosts.as_slice()].concat();
        let folders = run_folders(self.runs_folder.as_ref(), settings)?;
        let execution = ExecutionSettings {
            hosts,
            authorities: settings.agent_ca.clone(),
            require_sandbox: settings.require_sandbox,
            min_free_bytes: self.min_free_bytes.unwrap_or(settings.min_free_bytes),
        };
        let hidden = ledger.secret_paths(settings);
        Ok(dotwrap_exec::runner(
            Wrapper::clone(ledger),
            &execution,
            folders,
            hidden,
        )?)
    }
}

/// Refuses the contracts of a plan that this program's engines cannot call.
pub(crate) fn refuse_uncallable(plan: Plan) -> Result<Plan, Failure> {
    let checker = InvocationChecker::new()?;
    Ok(plan.refusing_invocations(|engine, contract| {
        checker
            .check(engine, contract)
            .map_err(|refusal| UncallableContract {
                code: refusal.code,
                message: refusal.message,
            })
    }))
}

/// Refuses a folder for runs that lies where tools are kept from reading: no dry run could have its sandbox there, and
/// the files of real runs would lie among those of the ledger.
pub(crate) fn check_folder(
    runner: &Runner,
    ledger: &LedgerClient,
    settings: &Settings,
) -> Result<(), Failure> {
    let root = resolved(runner.folders().root());
    let concealed = ledger.secret_paths(settings)();
    let mut above = concealed
        .iter()
        .filter(|path| root.starts_with(resolved(path)));
    let Some(above) = above.next() else {
        return Ok(());
    };
    let message = format!(
        "the runs' folder {} lies in {}, which is kept from tools",
        runner.folders().root().display(),
        above.display()
    );
    Err(Failure::new(ExitStatus::Usage, "folder_unusable", message)
        .hint("name another folder for the runs: --runs-folder, or DOTWRAP_RUNS_FOLDER"))
}

/// The path without links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut known = path;
    loop {
        if let Ok(found) = known.canonicalize() {
            return rest.iter().rev().fold(found, |path, name| path.join(name));
        }
        let (Some(parent), Some(name)) = (known.parent(), known.file_name()) else {
            return path.to_owned();
        };
        rest.push(name);
        known = parent;
    }
}

/// Says what happens while it happens.
#[derive(Debug)]
pub(crate) struct ProgressPrinter {
    messages: Messages,
}

impl ProgressPrinter {
    pub(crate) fn new(messages: Messages) -> Self {
        Self { messages }
    }
}

impl Progress for ProgressPrinter {
    fn step(&self, step: Step<'_>) {
        match step {
            Step::WaitingForLease {
                lease,
                holder,
                expires_at,
                at_most,
            } => {
                let until = expires_at.map_or_else(String::new, |time| {
                    format!(" until {} unless it is renewed", format_time(time))
                });
                self.messages.note(format!(
                    "waiting for the lease {lease}, which {holder} holds{until}; for {} s at most",
                    at_most.as_secs()
                ));
            }
            Step::Begun { process_run_id, .. } => {
                self.messages.note(format!("begun {process_run_id}"));
            }
            Step::Calling { role, dot_code } => {
                self.messages
                    .note(format!("calling {dot_code}, the {role}"));
            }
            Step::Reading { role, bytes } => self.messages.note(format!(
                "reading the output of the {role}: {} so far",
                HumanBytes(bytes)
            )),
            Step::Waiting { why, at_most } => self.messages.warning(format!(
                "cannot record the result yet: {why}; retrying for up to {} s",
                at_most.as_secs()
            )),
            Step::ShortWindow {
                gate,
                ends_at,
                time_limit,
                stops,
            } => {
                let window = format!(
                    "{gate} ends at {}, before the contracts' {} s are over",
                    format_time(ends_at),
                    time_limit.as_secs()
                );
                if stops {
                    let what = format!("{window}: its end stops this run");
                    self.messages.warning(what);
                } else {
                    let what = format!("{window}: this run goes on, and no other begins");
                    self.messages.note(what);
                }
            }
            Step::Stopping { reason } => self
                .messages
                .warning(format!("stopping the call: {reason}")),
            _ => {}
        }
    }
}
