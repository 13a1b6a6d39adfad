//! `dotwrap embedded move`.
use clap::Args;
use dotwrap_app::embedded::{MoveReport, move_ledger};
use dotwrap_app::settings::DatabaseUrl;

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList};
use crate::session::Context;

/// The variable that stands for `--to`: a password in it cannot be read by others.
pub(super) const VARIABLE: &str = "DOTWRAP_MOVE_TO";

/// Move the embedded database's ledger to a database of your own.
///
/// The target needs what `dotwrap install` needs: UTF-8, PostgreSQL 15 or newer, a login with CREATEROLE, and no ledger
/// with rows in it. Nobody else may use the embedded database meanwhile. The rows are counted and `verify` judges the
/// copy before the embedded database is marked as moved; it keeps its ledger, and commands refuse to use it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The database to move to, as for --database-url [env: DOTWRAP_MOVE_TO]
    #[arg(long, value_name = "URL")]
    to: Option<DatabaseUrl>,
}

impl Arguments {
    pub(super) fn to(&self) -> Option<&DatabaseUrl> {
        self.to.as_ref()
    }
}

/// Moves it.
pub(super) async fn execute(
    arguments: Arguments,
    session: &mut Context,
) -> Result<ExitStatus, Failure> {
    let variable = || std::env::var(VARIABLE).ok().map(DatabaseUrl::from);
    let Some(to) = arguments.to.or_else(variable) else {
        return Err(Failure::usage("the database to move to is missing")
            .hint("dotwrap embedded move --to postgresql://USER@HOST/DATABASE"));
    };
    let report = move_ledger(session.backend(), &to).await?;
    session.output.record(&report, drawn)?;
    session.messages.note(format!(
        "next: set DATABASE_URL, or write into the user's dotwrap.toml, with the password or a password file:\n\
         database_url = \"{}\"",
        report.to
    ));
    Ok(ExitStatus::Done)
}

fn drawn(report: &MoveReport) -> String {
    let sheet = KeyValueList::default()
        .line("from", Cell::plain(report.from.display()))
        .line("to", Cell::plain(&report.to))
        .line("schema", Cell::plain(&report.schema))
        .line("runs", Cell::plain(report.runs))
        .line("rows", Cell::plain(report.rows))
        .line(
            "verify",
            Cell::plain(format!("{} rules, no violation", report.verified_rules)),
        );
    let headline = Cell::toned("MOVED", CellStyle::Good);
    format!("{headline}\n{}", sheet.draw(2))
}
