//! The commands, one file each.

mod backfill;
mod candidates;
mod completions;
mod contract;
mod demo;
mod doctor;
mod embedded;
mod events;
pub(crate) mod execution;
mod file;
mod fixture;
mod gates;
mod id_prefix;
mod install;
mod ladder;
mod lease;
mod lease_holder;
mod man;
mod observe;
mod preflight;
mod reap;
mod refusals;
mod requests;
mod run;
mod runs;
mod service_manager;
mod shared;
mod status;
mod tools;
mod uninstall;
mod verify;
mod worker;
mod worker_signals;
mod worker_summary;

use clap::Subcommand;

use shared::ActorArgs;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::session::Context;
use dotwrap_app::backend::SlotPolicy;
use dotwrap_app::settings::DatabaseUrl;

/// What `dotwrap` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The guided first run: everything once, on a database of its own
    Demo(demo::Arguments),
    /// Install or upgrade the contract in a database
    Install(install::Arguments),
    /// Say what is wrong with an installation and how to mend it
    Doctor(doctor::Arguments),
    /// Take an installation out of its database again
    Uninstall(uninstall::Arguments),
    /// The private PostgreSQL that is used where no database is configured
    #[command(subcommand)]
    Embedded(embedded::Command),
    /// The DOT registry
    #[command(subcommand)]
    Tools(tools::Command),
    /// The processes that runs are evidence for
    #[command(subcommand)]
    Candidates(candidates::Command),
    /// What is called for a DOT in each mode, and what it may do
    #[command(subcommand)]
    Contract(contract::Command),
    /// Inputs that are kept with their digest
    #[command(subcommand)]
    Fixture(fixture::Command),
    /// Run a pair, or simulate it, as one correlated run: the main job
    Run(run::Arguments),
    /// The single recording calls, for scripts that do their own orchestration
    #[command(subcommand)]
    Observe(observe::Command),
    /// What may be executed: the posture, its gates and their history
    Gates(gates::Arguments),
    /// Run the preflight checks; exit status 3 when any is BLOCK
    Preflight(preflight::Arguments),
    /// Leases of pairs: list, release
    #[command(subcommand)]
    Lease(lease::Command),
    /// Execute requested runs, beside any number of other workers
    Worker(worker::Arguments),
    /// The ledger's runs
    #[command(subcommand)]
    Runs(runs::Command),
    /// Executed runs that somebody asked for and a worker takes
    #[command(subcommand)]
    Requests(requests::Command),
    /// Conclude the executed runs whose holder died
    Reap(reap::Arguments),
    /// What was observed of each DOT, and what to do next
    Status(status::Arguments),
    /// How far each candidate has come, and what its next rung needs
    Ladder(ladder::Arguments),
    /// Import evidence from elsewhere; it never counts as runtime
    Backfill(backfill::Arguments),
    /// The event types and the outbox
    #[command(subcommand)]
    Events(events::Command),
    /// Calls that were refused, as their clients reported them
    #[command(subcommand)]
    Refusals(refusals::Command),
    /// Judge the ledger's invariants, independently of what wrote it
    Verify(verify::Arguments),
    /// Print the completions for a shell
    Completions(completions::Arguments),
    /// Write the manual pages into a folder
    Man(man::Arguments),
}

impl Command {
    /// What it does where the server has no connection slot left. What records does so by its own login: keys belong to
    /// logins.
    fn slots(&self) -> SlotPolicy {
        match self {
            Self::Run(_) | Self::Worker(_) => SlotPolicy::Patient,
            Self::Doctor(_)
            | Self::Gates(_)
            | Self::Lease(_)
            | Self::Runs(_)
            | Self::Status(_)
            | Self::Refusals(_) => SlotPolicy::Reserve,
            _ => SlotPolicy::Usual,
        }
    }

    /// A flag of the command whose value may hold a password, the variable that stands for it, and the value.
    pub(crate) fn secret_flag(&self) -> Option<(&'static str, &'static str, &DatabaseUrl)> {
        match self {
            Self::Embedded(command) => command.secret_flag(),
            _ => None,
        }
    }

    /// Does it. `command_line` describes all commands, for what is generated from them.
    pub(crate) async fn execute(
        self,
        command_line: fn() -> clap::Command,
        session: &mut Context,
    ) -> Result<ExitStatus, Failure> {
        session.slots = self.slots();
        match self {
            Self::Demo(arguments) => demo::execute(arguments, session).await,
            Self::Install(arguments) => install::execute(arguments, session).await,
            Self::Doctor(arguments) => doctor::execute(arguments, session).await,
            Self::Uninstall(arguments) => uninstall::execute(arguments, session).await,
            Self::Embedded(command) => embedded::execute(command, session).await,
            Self::Tools(command) => tools::execute(command, session).await,
            Self::Candidates(command) => candidates::execute(command, session).await,
            Self::Contract(command) => contract::execute(command, session).await,
            Self::Fixture(command) => fixture::execute(command, session).await,
            Self::Run(arguments) => run::execute(arguments, session).await,
            Self::Observe(command) => observe::execute(command, session).await,
            Self::Gates(arguments) => gates::execute(arguments, session).await,
            Self::Preflight(arguments) => preflight::execute(arguments, session).await,
            Self::Lease(command) => lease::execute(command, session).await,
            Self::Runs(command) => runs::execute(command, session).await,
            Self::Requests(command) => requests::execute(command, session).await,
            Self::Worker(arguments) => worker::execute(arguments, session).await,
            Self::Reap(arguments) => reap::execute(arguments, session).await,
            Self::Status(arguments) => status::execute(arguments, session).await,
            Self::Ladder(arguments) => ladder::execute(arguments, session).await,
            Self::Backfill(arguments) => backfill::execute(arguments, session).await,
            Self::Events(command) => events::execute(command, session).await,
            Self::Refusals(command) => refusals::execute(command, session).await,
            Self::Verify(arguments) => verify::execute(arguments, session).await,
            Self::Completions(arguments) => {
                completions::execute(arguments, command_line(), session)
            }
            Self::Man(arguments) => man::execute(&arguments, command_line(), session),
        }
    }
}

/// The registry does not know this code.
fn unknown_dot(code: &dotwrap_wrapper::DotCode) -> Failure {
    Failure::new(ExitStatus::Usage, "unknown_dot", format!("there is no DOT '{code}'"))
        .hint("`dotwrap tools ls` lists the registered DOTs; `dotwrap tools import --sample` brings a catalogue")
}
