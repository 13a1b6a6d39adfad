//! `dotwrap uninstall`.
use std::io::{IsTerminal, Write};

use clap::Args;
use dotwrap_contract::{KeptRole, UninstallOptions, UninstallPlan, plan_uninstall, uninstall};
use serde::Serialize;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// Take an installation out of its database again, with its whole ledger.
///
/// Asks on a terminal; elsewhere it needs --yes. It is refused with exit status 4 while executed runs are not
/// concluded, and with 2 where something would be dropped that is not the contract's. Its roles go where nothing else
/// in the cluster uses them.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Also while executed runs are not concluded: their tools run on, and nothing is recorded of them
    #[arg(long)]
    force: bool,
    /// Also what is not the contract's and would be dropped with it
    #[arg(long)]
    drop_foreign_objects: bool,
    /// Print the SQL and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    database: String,
    schema: String,
    /// How many runs the removed ledger had.
    runs: i64,
    dropped_foreign_objects: Vec<String>,
    dropped_roles: Vec<String>,
    kept_roles: Vec<KeptRole>,
}

/// Removes it, or prints what it would do.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let mut reached = session.backend().reach().await?;
    let schema = session.settings.schema.clone();
    let client = session.backend().connect(&mut reached).await?;
    let options = UninstallOptions {
        force: arguments.force,
        foreign_objects: arguments.drop_foreign_objects,
    };
    let plan = plan_uninstall(&client, &schema, options).await?;
    if arguments.dry_run {
        session.messages.note(what_goes(&plan, &schema));
        session.output.verbatim(&plan.script())?;
        return Ok(ExitStatus::Done);
    }
    if !arguments.yes {
        confirm(&what_goes(&plan, &schema))?;
    }
    let kept_roles = uninstall(&client, &plan).await?;
    let is_kept = |role: &String| kept_roles.iter().any(|kept| kept.role == *role);
    let report = Report {
        database: reached.target.to_string(),
        schema,
        runs: plan.runs,
        dropped_roles: plan
            .roles()
            .into_iter()
            .filter(|role| !is_kept(role))
            .collect(),
        dropped_foreign_objects: plan.foreign_objects,
        kept_roles,
    };
    session.output.record(&report, drawn)?;
    session.messages.note(match &reached.cluster {
        None => "left: the files of runs, in the runs' folder".to_owned(),
        Some(cluster) => format!(
            "left: the files of runs, and the embedded database in {}; the next command that records installs anew there. \
             To remove it: dotwrap embedded stop, then remove the folder",
            cluster.folder().display()
        ),
    });
    Ok(ExitStatus::Done)
}

fn what_goes(plan: &UninstallPlan, schema: &str) -> String {
    let mut text = format!(
        "the schema \"{schema}\" of the database \"{}\" goes, with its ledger of {} runs",
        plan.database, plan.runs
    );
    if plan.open_runs > 0 {
        text += &format!(", {} of them not concluded", plan.open_runs);
    }
    if !plan.foreign_objects.is_empty() {
        text += &format!("; and with it {}", plan.foreign_objects.join(", "));
    }
    text + "; nothing brings it back but a backup"
}

/// Asks on the terminal.
fn confirm(what: &str) -> Result<(), Failure> {
    let refused = |message: String| Failure::new(ExitStatus::Usage, "not_confirmed", message);
    if !std::io::stdin().is_terminal() {
        return Err(refused(format!("not confirmed: {what}"))
            .hint("say --yes where nobody can be asked; --dry-run prints the SQL"));
    }
    let mut messages = std::io::stderr();
    write!(messages, "{what}.\nGo on? [y/N] ")?;
    messages.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(refused("nothing was removed".to_owned()))
}

fn drawn(report: &Report) -> String {
    let list = |items: Vec<String>| (!items.is_empty()).then(|| items.join(", "));
    let kept = report.kept_roles.iter();
    let kept = kept.map(|kept| format!("{} ({})", kept.role, kept.reason));
    let sheet = KeyValueList::default()
        .line("database", Cell::plain(&report.database))
        .line("schema", Cell::plain(&report.schema))
        .line("runs", Cell::plain(report.runs))
        .line_if_some("roles", list(report.dropped_roles.clone()))
        .line_if_some("roles kept", list(kept.collect()))
        .line_if_some("with it", list(report.dropped_foreign_objects.clone()));
    let headline = Cell::toned("REMOVED", CellStyle::Strong);
    format!("{headline}\n{}", sheet.draw(2))
}
