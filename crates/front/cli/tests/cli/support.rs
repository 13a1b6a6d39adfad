//! `dotwrap` as a program, on a real database of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use dotwrap_testkit::{TestDatabase, Version};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::Client;

/// The databases' connections live on one runtime for all tests of the program.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// How long a test waits for what has to come.
const WAIT_LIMIT: Duration = Duration::from_secs(120);

/// Waits for what a test does in the database besides calling the program.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// A folder to work in and an environment that says nothing of this machine.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the working folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program with these words, ready to be changed further.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dotwrap"));
        command.args(words).current_dir(self.folder()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("HOME", self.folder())
            .env("TZ", "UTC")
            .env("DOTWRAP_ACTOR", "tester");
        command
    }
}

/// A database with a contract, or without, and a desk to call the program from.
pub(crate) struct Installation {
    pub(crate) database: TestDatabase,
    pub(crate) desk: Desk,
}

impl Installation {
    /// With the contract and the sample catalogue.
    pub(crate) fn with_catalogue() -> Self {
        let installation = Self::as_shipped();
        installation
            .call(&["tools", "import", "--sample"])
            .expect(0);
        installation
    }

    /// With the contract, as shipped.
    pub(crate) fn as_shipped() -> Self {
        Self {
            database: wait(TestDatabase::create(Version::V15)),
            desk: Desk::new(),
        }
    }

    /// A database with nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            database: wait(TestDatabase::empty(Version::V15)),
            desk: Desk::new(),
        }
    }

    /// Calls the program as the installing login.
    pub(crate) fn call(&self, words: &[&str]) -> Answer {
        self.call_as(self.database.owner(), words)
    }

    /// Calls the program, which succeeds, and returns its data.
    #[track_caller]
    pub(crate) fn json(&self, words: &[&str]) -> serde_json::Value {
        self.call_for_json(words).expect(0).json()
    }

    /// Calls the program, which ends with this status, and returns its failure.
    #[track_caller]
    pub(crate) fn failure(&self, words: &[&str], status: i32) -> serde_json::Value {
        self.call_for_json(words).expect(status).failure()
    }

    fn call_for_json(&self, words: &[&str]) -> Answer {
        self.call(&[words, &["--output", "json"]].concat())
    }

    /// Records a simulated run of `DOT_SHA256SUM` and its verifier, with further words.
    pub(crate) fn simulate(&self, words: &[&str]) -> Answer {
        self.call(&[&["run", "DOT_SHA256SUM", "--mode", "simulate"], words].concat())
    }

    /// Calls the program as any login.
    pub(crate) fn call_as(&self, role: &str, words: &[&str]) -> Answer {
        Answer::of(
            self.desk
                .command(words)
                .env("DATABASE_URL", self.database.url_as(role)),
        )
    }

    /// The program as the installing login, ready to be started beside others.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.desk.command(words);
        command.env("DATABASE_URL", self.database.url_as(self.database.owner()));
        command
    }

    /// Locks a table of the contract against everybody, for as long as the client is held.
    pub(crate) fn lock(&self, table: &str) -> Client {
        self.lock_in_mode(table, "ACCESS EXCLUSIVE")
    }

    /// Locks a table of the contract against everybody who writes, for as long as the client is held.
    pub(crate) fn lock_against_writes(&self, table: &str) -> Client {
        self.lock_in_mode(table, "EXCLUSIVE")
    }

    fn lock_in_mode(&self, table: &str, mode: &str) -> Client {
        wait(async {
            let client = self.database.superuser().await;
            client
                .batch_execute(&format!("BEGIN; LOCK TABLE dot.{table} IN {mode} MODE"))
                .await
                .unwrap();
            client
        })
    }

    /// Waits until a session waits for a lock, and returns its process; the first one's where a lease's renewal waits,
    /// too.
    pub(crate) fn waiting_session(&self) -> i32 {
        wait(async {
            let client = self.database.superuser().await;
            let begun = Instant::now();
            loop {
                assert!(begun.elapsed() < WAIT_LIMIT, "no session waits for a lock");
                let waiting = client
                    .query_opt(
                        "SELECT pid FROM pg_stat_activity
                         WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
                         ORDER BY query_start LIMIT 1",
                        &[],
                    )
                    .await
                    .unwrap();
                match waiting {
                    Some(row) => return row.get(0),
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        })
    }

    /// Does something in the database as the server's superuser.
    pub(crate) fn sql_as_superuser(&self, commands: &str) {
        wait(async {
            self.database
                .superuser()
                .await
                .batch_execute(commands)
                .await
                .unwrap()
        });
    }

    /// Does something in the database as the installing login.
    pub(crate) fn sql(&self, commands: &str) {
        wait(async {
            self.database
                .owner_client()
                .await
                .batch_execute(commands)
                .await
                .unwrap()
        });
    }
}

/// What a call printed and how it ended.
pub(crate) struct Answer {
    pub(crate) output: String,
    pub(crate) messages: String,
    pub(crate) status: i32,
}

impl Answer {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// Fails the test where it ended otherwise.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        let Self {
            output, messages, ..
        } = &self;
        assert_eq!(
            self.status, status,
            "\n-- output\n{output}\n-- messages\n{messages}"
        );
        self
    }

    /// The data, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.output)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.output, self.messages))
    }

    /// The failure, as JSON.
    #[track_caller]
    pub(crate) fn failure(&self) -> serde_json::Value {
        serde_json::from_str(&self.messages)
            .unwrap_or_else(|error| panic!("{error}: {}", self.messages))
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            output: text(output.stdout),
            messages: text(output.stderr),
            status: output.status.code().unwrap(),
        }
    }
}

/// Runs a snapshot assertion with what differs between two runs replaced.
pub(crate) fn with_filters(assertion: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, replacement) in [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[id]",
        ),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}(-[0-9a-f]{0,4})*", "[id]"),
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:\d\d)?)?",
            "[time]",
        ),
        (r"\d\d:\d\d:\d\d\.\d{3}", "hh:mm:ss.mmm"),
        (r"postgresql://\S+&port=\d+", "[database]"),
        (r"PostgreSQL \d+\.\d+[^,]*,", "PostgreSQL [version],"),
        (r"contract [0-9a-f]{12} ", "contract [digest] "),
        (r"dotwrap_test_owner", "[login]"),
        (r"test_[0-9a-z_]+", "[test]"),
        (r"/\S*/rows\.jsonl", "rows.jsonl"),
        (r"/\S*/runs/", "[runs]/"),
        (r"after \d+ ms", "after [some] ms"),
        (
            r"program      \S+, sha256 [0-9a-f]{64}",
            "program      [path], sha256 [digest]",
        ),
        (r"took         [^\n]+", "took         [so long]"),
        (r"runner       \S+:\d+", "runner       [host:process]"),
        (
            r"sandbox      (landlock: )?writes [a-z ]+,",
            "sandbox      writes [how far],",
        ),
    ] {
        settings.add_filter(pattern, replacement);
    }
    settings.bind(assertion);
}

/// A snapshot of a call: its data, its messages and its exit status.
#[macro_export]
macro_rules! assert_answer {
    ($answer:expr) => {
        $crate::support::with_filters(|| {
            let answer = &$answer;
            let text = format!(
                "{}--\n{}--\nexit status {}",
                answer.output, answer.messages, answer.status
            );
            insta::assert_snapshot!(text);
        })
    };
}
