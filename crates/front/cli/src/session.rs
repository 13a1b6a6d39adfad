//! What one call of `dotwrap` works with: its settings, its output, its messages, and the way to the ledger.
use clap::Args;
use dotwrap_app::{
    backend::{Backend, LedgerClient, Notices, SlotPolicy},
    settings::{DatabaseChoice, Settings},
};
use dotwrap_exec::Space;
use dotwrap_wrapper::Actor;
use serde::Serialize;

use crate::data_folder::data_folder;
use crate::failure::Failure;
use crate::output::{Column, Messages, Output, Verbosity};
use crate::run_folders::run_folders;

/// Who acts.
#[derive(Clone, Debug, Args)]
pub(crate) struct ActorArgs {
    /// Who acts [default: DOTWRAP_ACTOR, else the system's user]
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
}

/// One call of `dotwrap`.
#[derive(Debug)]
pub(crate) struct Context {
    /// The settings, every layer applied.
    pub(crate) settings: Settings,
    /// Standard output.
    pub(crate) output: Output,
    /// Standard error.
    pub(crate) messages: Messages,
    /// What to do where the server has no connection slot left.
    pub(crate) slots: SlotPolicy,
    /// What went wrong where the command is carried out and its exit status is not 0. Its output says so; where nothing
    /// else is said, this is.
    pub(crate) failed: Option<Failure>,
}

impl Notices for Messages {
    fn note(&self, text: &str) {
        Messages::note(self, text);
    }
}

impl Context {
    pub(crate) fn new(settings: Settings, loudness: Verbosity) -> Self {
        let output = Output::new(settings.format, settings.colour);
        let messages = Messages::new(loudness, settings.format, settings.colour);
        Self {
            settings,
            output,
            messages,
            slots: SlotPolicy::Usual,
            failed: None,
        }
    }

    /// Who acts: the command's own word, else the settings'.
    pub(crate) fn actor(&self, acting: ActorArgs) -> Actor {
        Actor::new(acting.actor.unwrap_or_else(|| self.settings.actor.clone()))
    }

    /// The way to the ledger.
    pub(crate) fn backend(&self) -> Backend<'_> {
        Backend {
            settings: &self.settings,
            slots: self.slots,
            notices: &self.messages,
        }
    }

    /// The failure, with the file system of the embedded database if that is full. A server elsewhere has its disk to
    /// itself.
    pub(crate) fn naming_full_disk(&self, mut failure: Failure) -> Failure {
        if failure.code != "disk_full" || self.settings.database != DatabaseChoice::Embedded {
            return failure;
        }
        let folder = data_folder(self.settings.home.as_ref()).ok();
        let Some(space) = folder.and_then(|folder| Space::at(&folder).ok()) else {
            return failure;
        };
        failure.message = format!("{} ({space})", failure.message);
        let hint = failure.hint.unwrap_or_default();
        failure.hint = Some([hint, self.what_to_remove()].join("\n"));
        failure
    }

    /// What can go where the disk of the embedded database is full. Its server may be down, so that nothing is known of
    /// the runs.
    fn what_to_remove(&self) -> String {
        let what = "outputs of old runs can go: dotwrap runs prune --older-than 30d";
        match run_folders(None, &self.settings) {
            Ok(folders) => format!(
                "{what}; if the database does not start, remove folders of old runs by hand in {}",
                folders.root().display()
            ),
            Err(_) => what.to_owned(),
        }
    }

    /// Prints the rows of a list. If there are none, the note says so.
    pub(crate) fn print_list<Row: Serialize>(
        &mut self,
        rows: &[Row],
        columns: &[Column<Row>],
        note_if_empty: impl AsRef<str>,
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            self.messages.note(note_if_empty);
        }
        self.output.rows(rows, columns)
    }

    /// As [`Backend::ledger`].
    pub(crate) async fn ledger(&self) -> Result<LedgerClient, Failure> {
        Ok(self.backend().ledger().await?)
    }
}
