//! A tool's own folder, a folder outside it, and the accounts that a tool runs as.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use dotwrap_supervisor::{Launch, Program, Sandbox, Stdin, Supervisor};
use nix::unistd::Uid;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

pub(super) const NOBODY: u32 = 65534;

/// The account that a tool runs as, and its privileges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Account {
    /// The account of the tests.
    Own,
    /// An unprivileged account, if the tests run as root.
    Ordinary,
    /// Root without the right to create namespaces, as in most containers.
    Contained,
}

impl Account {
    pub(super) fn wrapper(self) -> &'static str {
        match (self, Uid::effective().is_root()) {
            (Self::Own, _) | (Self::Ordinary, false) => "",
            (Self::Ordinary, true) => "setpriv --reuid=65534 --regid=65534 --clear-groups",
            (Self::Contained, true) => "setpriv --bounding-set=-sys_admin",
            (Self::Contained, false) => "unshare -Ur setpriv --bounding-set=-sys_admin",
        }
    }
}

/// The tool's own folder, and a folder outside it with a file and a hidden folder.
pub(super) struct SandboxDirs {
    pub(super) top: TempDir,
    pub(super) account: Account,
}

impl SandboxDirs {
    pub(super) fn new(account: Account) -> Self {
        let top = tempfile::tempdir().unwrap();
        for folder in ["own", "outside", "outside/home"] {
            fs::create_dir(top.path().join(folder)).unwrap();
        }
        fs::write(top.path().join("outside/there"), "before").unwrap();
        let probe = env!("CARGO_BIN_EXE_invoke-command-probe");
        let supervisor = top.path().join("supervisor");
        let script = format!("#!/bin/sh\nexec {} '{probe}' \"$@\"\n", account.wrapper());
        fs::write(&supervisor, script).unwrap();
        fs::set_permissions(&supervisor, PermissionsExt::from_mode(0o755)).unwrap();
        if account == Account::Ordinary && Uid::effective().is_root() {
            for path in ["", "own", "outside", "outside/home", "outside/there"] {
                chown(top.path().join(path), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        Self { top, account }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.top.path().canonicalize().unwrap().join(name)
    }

    /// Runs a script in a dry run that may write only to its own folder, and returns its output.
    pub(super) async fn run(&self, script: &str) -> (String, Launch) {
        self.run_writing(script, Vec::new()).await
    }

    /// As [`SandboxDirs::run`], with more folders that the script may write to.
    pub(super) async fn run_writing(
        &self,
        script: &str,
        declared: Vec<PathBuf>,
    ) -> (String, Launch) {
        let own = self.path("own");
        let stderr = own.join(format!("stderr-{}", uuid::Uuid::now_v7()));
        let mut program = Program::new("/bin/sh", &own, &stderr);
        program.arguments = vec!["-c".to_owned(), script.to_owned()];
        let path = std::env::var("PATH").unwrap();
        program.environment = [
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), own.display().to_string()),
        ]
        .into();
        program.sandbox = Sandbox::WritesBelow([vec![own], declared].concat());
        let supervisor = Supervisor::with_executable(self.path("supervisor"))
            .hiding_paths(self.path("outside/home"));
        let started = supervisor.start(program, Stdin::Nothing).await;
        let mut tool = started.unwrap_or_else(|error| panic!("{:?}: {error}", self.account));
        let mut text = String::new();
        let mut stdout = tool.stdout.take().unwrap();
        stdout.read_to_string(&mut text).await.unwrap();
        let launch = tool.launch().clone();
        tool.wait().await;
        let complaint = fs::read_to_string(&stderr).unwrap();
        (text + &complaint, launch)
    }
}
