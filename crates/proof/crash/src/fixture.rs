//! A server with the contract, the pairs and open gates, and a working folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_postgres::Client;

use crate::program;
use crate::server::Server;
use crate::tools::{self, Trace};

/// The leases' time to live in seconds: short, because they have to expire after each crash.
pub(crate) const LEASE_TTL: u64 = 2;

/// The time limit of a `dotwrap` call: it stops after half a minute without a database.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(90);

/// The test environment.
pub(crate) struct Fixture {
    pub(crate) server: Server,
    folder: TempDir,
    files: AtomicUsize,
}

/// The output of a `dotwrap` call, in files, so that it can be read after a kill.
#[derive(Clone, Debug)]
pub(crate) struct CommandOutput {
    pub(crate) output: PathBuf,
    pub(crate) messages: PathBuf,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let site = Self {
            server: Server::start().await,
            folder: tempfile::tempdir().unwrap(),
            files: AtomicUsize::new(0),
        };
        fs::write(site.trace(), "").unwrap();
        fs::write(site.input(), "what is digested\n".repeat(1_000)).unwrap();
        fs::write(site.path("pairs.toml"), tools::catalogue(&site.trace())).unwrap();
        site.call(&["install"]).await;
        site.call(&["tools", "import", "pairs.toml"]).await;
        for gate in [
            "operator_runtime_enabled",
            "execute_enabled",
            "dry_run_only",
            "real_run_enabled",
        ] {
            site.call(&["gates", "open", gate, "--for", "6h", "--reason", "crashes"])
                .await;
        }
        for event in ["started", "completed", "failed"] {
            let event = format!("process.run.{event}");
            site.call(&["events", "activate", &event, "--reason", "crashes"])
                .await;
        }
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The input of every run.
    pub(crate) fn input(&self) -> PathBuf {
        self.path("input")
    }

    fn trace(&self) -> PathBuf {
        self.path("trace")
    }

    /// The tools' own trace of their calls.
    pub(crate) fn calls(&self) -> Trace {
        Trace::read(&self.trace())
    }

    /// The environment marker of every process that the tools started.
    pub(crate) fn mark(&self) -> String {
        format!("TRACE={}", self.trace().display())
    }

    /// A command with these arguments, and the file for its output.
    pub(crate) fn command(&self, words: &[&str], url: &str) -> (Command, CommandOutput) {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let said = CommandOutput {
            output: self.path(&format!("{number}.output")),
            messages: self.path(&format!("{number}.messages")),
        };
        let mut command = Command::new(program::dotwrap());
        command
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("TZ", "UTC")
            .env("DOTWRAP_ACTOR", "crash test")
            .env("DATABASE_URL", url)
            .stdin(Stdio::null())
            .stdout(fs::File::create(&said.output).unwrap())
            .stderr(fs::File::create(&said.messages).unwrap())
            .kill_on_drop(true);
        (command, said)
    }

    /// Runs the program and asserts success.
    pub(crate) async fn call(&self, words: &[&str]) -> CommandOutput {
        let (mut command, said) = self.command(words, &self.server.url());
        let status = timeout(WAIT_TIMEOUT, command.status())
            .await
            .unwrap()
            .unwrap();
        assert!(status.success(), "{words:?}: {status}\n{}", said.text());
        said
    }

    /// Waits until every lease of an open run has expired by the database's clock.
    pub(crate) async fn wait_for_leases(&self, client: &Client) {
        const QUESTION: &str = "SELECT coalesce(greatest(0, extract(epoch FROM max(expires_at) - clock_timestamp())), 0)::float8
            FROM dot.dot_iu_runtime_lease WHERE process_run_id IS NOT NULL AND released_at IS NULL";
        for _ in 0..100 {
            let left: f64 = client.query_one(QUESTION, &[]).await.unwrap().get(0);
            if left == 0.0 {
                return;
            }
            tokio::time::sleep(Duration::from_secs_f64(left + 0.01)).await;
        }
        panic!("somebody goes on renewing a lease");
    }
}

impl CommandOutput {
    pub(crate) fn of_output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    pub(crate) fn of_messages(&self) -> String {
        fs::read_to_string(&self.messages).unwrap()
    }

    /// The JSON data; None where the output is empty or incomplete.
    pub(crate) fn json(&self) -> Option<Json> {
        serde_json::from_str(&self.of_output()).ok()
    }

    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.of_output(), self.of_messages())
    }
}

/// A path, quoted for a shell.
pub(crate) fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}
