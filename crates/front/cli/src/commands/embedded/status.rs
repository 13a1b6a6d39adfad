//! `dotwrap embedded status`.
use std::path::PathBuf;

use clap::Args;
use dotwrap_app::embedded::embedded;
use dotwrap_embedded::{ClusterStatus, Moved};
use indicatif::HumanBytes;
use serde::Serialize;

use super::{described, is_default};
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Cell, CellStyle, KeyValueList, format_time};
use crate::session::Context;

/// Say where the embedded database is, whether it runs, and who uses it.
///
/// Nothing is started, and nothing is changed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

#[derive(Debug, Serialize)]
struct Report {
    folder: PathBuf,
    /// Whether there is a cluster.
    exists: bool,
    /// Whether commands use it: no database is configured.
    is_default: bool,
    /// `running`, `stopped` or `missing`.
    state: &'static str,
    pid: Option<i32>,
    /// Of the program that the server was last started from.
    version: Option<String>,
    /// Of the data.
    major: Option<u32>,
    program: Option<PathBuf>,
    socket: PathBuf,
    port: u16,
    bytes: u64,
    /// None where the system does not say who holds a lock.
    users: Option<Vec<User>>,
    moved: Option<Moved>,
}

#[derive(Debug, Serialize)]
struct User {
    pid: u32,
    command: String,
}

/// Examines the cluster.
pub(super) fn execute(_: Arguments, session: &mut Context) -> Result<ExitStatus, Failure> {
    let status = embedded(&session.settings)?.status()?;
    let report = Report::of(status, is_default(session));
    session.output.record(&report, drawn)?;
    if !report.is_default {
        session
            .messages
            .note("a database is configured, and commands use that one");
    }
    Ok(ExitStatus::Done)
}

impl Report {
    fn of(status: ClusterStatus, is_default: bool) -> Self {
        let users = status.users.map(|users| {
            let user = |user: &dotwrap_embedded::ServerUser| User {
                pid: user.pid,
                command: described(user),
            };
            users.iter().map(user).collect()
        });
        Self {
            exists: status.exists,
            is_default,
            state: match (status.exists, status.is_running) {
                (false, _) => "missing",
                (true, true) => "running",
                (true, false) => "stopped",
            },
            pid: status.pid,
            version: status.version.map(|version| version.to_string()),
            major: status.major,
            program: status.program,
            socket: status.socket,
            port: status.port,
            bytes: status.bytes,
            users,
            moved: status.moved,
            folder: status.folder,
        }
    }
}

fn drawn(report: &Report) -> String {
    let folder = report.folder.display();
    let state = match report.state {
        "missing" => {
            let cell = Cell::toned("MISSING", CellStyle::Caution);
            return format!(
                "{cell}: {folder} has no embedded database; the first command that needs one makes it\n"
            );
        }
        "running" => Cell::toned("RUNNING", CellStyle::Good),
        _ => Cell::toned("STOPPED", CellStyle::Strong),
    };
    let version = report.version.clone();
    let version = version.or_else(|| report.major.map(|major| major.to_string()));
    let users = report.users.as_ref().map(|users| match users.len() {
        0 => "nobody".to_owned(),
        _ => users
            .iter()
            .map(|user| user.command.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    });
    let moved = report.moved.as_ref();
    let sheet = KeyValueList::default()
        .line("folder", Cell::plain(folder))
        .line_if_some("PostgreSQL", version)
        .line("socket", Cell::plain(report.socket.display()))
        .line("port", Cell::plain(format!("{} (no TCP)", report.port)))
        .line("size", Cell::plain(HumanBytes(report.bytes)))
        .line_if_some("process", report.pid)
        .line_if_some("used by", users)
        .line_if_some(
            "moved to",
            moved.map(|moved| format!("{} at {}", moved.to, format_time(moved.at))),
        );
    format!("{state}\n{}", sheet.draw(2))
}
