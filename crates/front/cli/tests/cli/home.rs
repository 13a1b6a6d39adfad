//! The embedded default, for one test.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use dotwrap_embedded::Embedded;

use crate::support::{Answer, Desk, wait};

/// A desk with an embedded database of its own.
pub(crate) struct Home {
    pub(crate) desk: Desk,
    name: String,
}

impl Home {
    /// In a folder that the account which runs the server for root can reach.
    pub(crate) fn new() -> Self {
        let desk = Desk::new();
        std::fs::set_permissions(desk.folder(), PermissionsExt::from_mode(0o711)).unwrap();
        Self {
            desk,
            name: "home".to_owned(),
        }
    }

    /// With a path that is too long for a socket in it.
    pub(crate) fn with_long_path() -> Self {
        let mut home = Self::new();
        home.name = "long".repeat(30);
        home
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.desk.folder().join(&self.name)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.desk.command(words);
        command.env("DOTWRAP_HOME", self.folder());
        command
    }

    pub(crate) fn call(&self, words: &[&str]) -> Answer {
        Answer::of(&mut self.command(words))
    }
}

impl Drop for Home {
    /// The server lingers for the next command; nothing comes, and its folder is about to be removed.
    fn drop(&mut self) {
        let embedded = Embedded::in_folder(self.folder().join("embedded"));
        if let Ok(cluster) = wait(embedded.start()) {
            let _ = cluster.stop_if_unused();
        }
    }
}
