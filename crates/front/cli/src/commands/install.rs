//! `dotwrap install`.
use clap::Args;
use dotwrap_app::backend;
use dotwrap_contract::{Plan, RolePolicy};
use dotwrap_wrapper::ConnectionTarget;
use serde::Serialize;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// Install or upgrade the contract in a database.
///
/// Everything lies in one schema; nothing needs a superuser or an extension. A second call changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What the names of the installation's roles begin with [default: dot]
    #[arg(long, value_name = "PREFIX")]
    role_prefix: Option<String>,
    /// Create no roles: without roles, the installing account can rewrite the ledger
    #[arg(long)]
    no_roles: bool,
    /// Put functions, guards, views and grants back even where the record says that they are current
    #[arg(long)]
    repair: bool,
    /// Print the SQL and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Installs, or prints what it would do.
pub(crate) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let reached = session.backend().reach().await?;
    let mut options = backend::install_options(&session.settings);
    options.role_prefix = arguments.role_prefix.unwrap_or(options.role_prefix);
    options.repair = arguments.repair;
    if arguments.no_roles {
        options.roles = RolePolicy::Without;
    }
    if arguments.dry_run {
        let plan =
            dotwrap_contract::plan(&dotwrap_wrapper::connect(&reached.target).await?, &options)
                .await?;
        warn(&plan, session);
        session.messages.note(summary(&plan, "would be"));
        session.output.verbatim(&plan.script())?;
        return Ok(ExitStatus::Done);
    }
    let plan = backend::install(&reached.target, &options).await?;
    warn(&plan, session);
    let report = Report::of(&plan, &options.schema, &reached.target);
    session
        .output
        .record(&report, |report| drawn(report, &plan))?;
    Ok(ExitStatus::Done)
}

/// What an installation did.
#[derive(Debug, Serialize)]
struct Report {
    /// `installed`, `upgraded`, `repaired` (the same version, put back) or `current`.
    action: &'static str,
    schema: String,
    role_prefix: Option<String>,
    version: &'static str,
    previous_version: Option<String>,
    database: String,
    warnings: Vec<String>,
}

impl Report {
    fn of(plan: &Plan, schema: &str, target: &ConnectionTarget) -> Self {
        Self {
            action: action(plan),
            schema: schema.to_owned(),
            role_prefix: plan.role_prefix().map(str::to_owned),
            version: dotwrap_contract::VERSION,
            previous_version: plan.installed_version().map(str::to_owned),
            database: target.to_string(),
            warnings: plan.warnings.clone(),
        }
    }
}

fn action(plan: &Plan) -> &'static str {
    match plan {
        plan if plan.is_current() => "current",
        plan if plan.is_fresh() => "installed",
        plan if plan.installed_version() == Some(dotwrap_contract::VERSION) => "repaired",
        _ => "upgraded",
    }
}

fn warn(plan: &Plan, session: &Context) {
    plan.warnings
        .iter()
        .for_each(|warning| session.messages.warning(warning));
}

fn summary(plan: &Plan, tense: &str) -> String {
    if plan.is_current() {
        return "already current: nothing to do".to_owned();
    }
    format!("the contract {tense} {}, in one transaction", action(plan))
}

fn drawn(report: &Report, plan: &Plan) -> String {
    let roles = match &report.role_prefix {
        Some(prefix) => Cell::plain(format!(
            "{prefix}_reader, _observer, _runner, _operator, _relay, _archiver, _checker, _owner"
        )),
        None => Cell::toned("none", CellStyle::Caution),
    };
    let sheet = KeyValueList::default()
        .line("database", Cell::plain(&report.database))
        .line("schema", Cell::plain(&report.schema))
        .line("version", Cell::plain(report.version))
        .line("roles", roles);
    let headline = if plan.is_current() {
        "already current".to_owned()
    } else {
        format!("{} the contract", report.action)
    };
    let next = "next: dotwrap tools import --sample";
    format!(
        "{}\n{}{}\n",
        Cell::toned(headline, CellStyle::Strong),
        sheet.draw(2),
        Cell::toned(next, CellStyle::Faint)
    )
}
